"""Answers as rows: one a face; an image without a face, or that could not be read, has one row too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_type_hints

from agelens.inference.answers import Answer, Face, reported_fields
from agelens.inference.carried import NO_COLUMNS, carried_names
from agelens.inference.options import AnswerOptions

#: The values of a face that take more than one column.
_SPLIT = {"box": ("x0", "y0", "x1", "y1"), "age_interval": ("age_low", "age_high")}


def columns(options: AnswerOptions) -> dict[str, type]:
    """The columns of a table of answers and their kinds: ``str``, ``int`` or ``float``.

    A table's own columns come behind them, by the names that ``agelens.inference.carried`` gives them.
    """
    kinds = get_type_hints(Face)
    named: dict[str, type] = {"image": str, "face": int}
    # The reasons come behind the answers, and what was asked for besides behind them.
    for one in sorted(
        reported_fields(options), key=lambda one: (one.metadata["asked"], one.name == "refused")
    ):
        first = kinds[one.name]
        while inner := get_args(first):  # of an optional kind, and of a pair, the first
            first = inner[0]
        named |= dict.fromkeys(_SPLIT.get(one.name, (one.name,)), str if issubclass(first, str) else first)
        if one.name == "refused":
            named |= {"error": str, "frames": int}
    return named


def rows_of(answer: Answer, carried: Mapping[str, str] = NO_COLUMNS) -> list[dict[str, Any]]:
    """An answer's rows, their values as in its JSON; a key that is missing is null.

    ``carried`` says which of its own columns go along: own column -> its column here. Each row has them all.
    """
    own = {column: (answer.row or {}).get(name) for name, column in carried.items()}
    if not answer.faces:
        return [{"image": answer.image, "error": answer.error, "frames": answer.frames, **own}]
    rows = []
    for number, face in enumerate(answer.faces, start=1):
        row: dict[str, Any] = {"image": answer.image, "face": number, "frames": answer.frames, **own}
        for name, value in face.to_dict().items():
            parts = _SPLIT.get(name, (name,))
            row |= zip(parts, value if isinstance(value, list) else [value] * len(parts), strict=True)
        rows.append(row)
    return rows


def to_rows(
    answers: Answer | Iterable[Answer], options: AnswerOptions = AnswerOptions()
) -> list[dict[str, Any]]:
    """Answers as the rows of a table, as ``--format csv`` has them: ``pandas.DataFrame(to_rows(answers))``.

    Args:
        answers: one, or many, as of ``Predictor.predict_many``.
        options: those that were asked; ``at_least`` adds its columns.

    Returns:
        One row a face, and one for an image without a face or that could not be read. Each has every column
        of ``columns``, in that order, and None where there is nothing; the columns of an image's own row come
        behind them, renamed where the answers have one of that name (``age`` -> ``row_age``).
    """
    names = columns(options)
    empty = dict.fromkeys(names)
    return [
        empty | row
        for answer in ([answers] if isinstance(answers, Answer) else answers)
        for row in rows_of(answer, carried_names(answer.row or (), names))
    ]
