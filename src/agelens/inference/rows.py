"""Answers as rows: one a face; an image without a face, or that could not be read, has one row too."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

from agelens.inference.answers import Answer, Face, reported_fields
from agelens.inference.options import AnswerOptions

#: The values of a face that take more than one column.
_SPLIT = {"box": ("x0", "y0", "x1", "y1"), "age_interval": ("age_low", "age_high")}


def columns(options: AnswerOptions) -> dict[str, type]:
    """The columns of a table of answers and their kinds: ``str``, ``int`` or ``float``."""
    kinds = get_type_hints(Face)
    named: dict[str, type] = {"image": str, "face": int}
    # The reasons come behind the answers, and what was asked for besides behind them.
    for one in sorted(
        reported_fields(options), key=lambda one: (one.metadata["asked"], one.name == "refused")
    ):
        first: type = (get_args(kinds[one.name]) or (kinds[one.name],))[0]
        named |= dict.fromkeys(_SPLIT.get(one.name, (one.name,)), str if issubclass(first, str) else first)
        if one.name == "refused":
            named |= {"error": str, "frames": int}
    return named


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """An answer's rows, their values as in its JSON; a key that is missing is null."""
    if not answer.faces:
        return [{"image": answer.image, "error": answer.error, "frames": answer.frames}]
    rows = []
    for number, face in enumerate(answer.faces, start=1):
        row: dict[str, Any] = {"image": answer.image, "face": number, "frames": answer.frames}
        for name, value in face.to_dict().items():
            parts = _SPLIT.get(name, (name,))
            row |= zip(parts, value if isinstance(value, list) else [value] * len(parts), strict=True)
        rows.append(row)
    return rows
