"""Answers as rows: one a face; an image without a face, or that could not be read, has one row too."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

from agelens.inference.answers import Answer, Face, reported_fields
from agelens.inference.options import AnswerOptions

#: The values of a face that take more than one column.
_SPLIT = {"box": ("x0", "y0", "x1", "y1"), "age_interval": ("age_low", "age_high")}


def columns(options: AnswerOptions) -> dict[str, type]:
    """The columns of a table of answers and their kinds: ``str``, ``int`` or ``float``."""
    always: dict[str, type] = {"image": str, "face": int, **_of_face(with_at_least=False)}
    always |= {"refused": always.pop("refused"), "error": str}  # the reasons come last
    return always | _of_face(with_at_least=options.at_least is not None)


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """An answer's rows, their values as in its JSON; a key that is missing is null."""
    if not answer.faces:
        return [{"image": answer.image, "error": answer.error}]
    rows = []
    for number, face in enumerate(answer.faces, start=1):
        row: dict[str, Any] = {"image": answer.image, "face": number}
        for name, value in face.to_dict().items():
            if name in _SPLIT:
                row |= (
                    dict.fromkeys(_SPLIT[name])
                    if value is None
                    else dict(zip(_SPLIT[name], value, strict=True))
                )
            else:
                row[name] = value
        rows.append(row)
    return rows


def _of_face(*, with_at_least: bool) -> dict[str, type]:
    kinds = get_type_hints(Face)
    return {
        column: _kind(kinds[one.name])
        for one in reported_fields(with_at_least=with_at_least)
        for column in _SPLIT.get(one.name, (one.name,))
    }


def _kind(hint: Any) -> type:
    first: type = (get_args(hint) or (hint,))[0]
    return str if issubclass(first, str) else first
