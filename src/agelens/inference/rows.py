"""Answers as rows: one a face; an image without a face, or that could not be read, has one row too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agelens.inference.answers import Answer

#: Columns and their kinds, in order; ``at_least`` and its probability follow where asked for.
COLUMNS: dict[str, type] = {
    "image": str,
    "face": int,
    "x0": float,
    "y0": float,
    "x1": float,
    "y1": float,
    "detection": float,
    "quality": float,
    "age": float,
    "age_low": float,
    "age_high": float,
    "interval_level": float,
    "gender": str,
    "gender_probability": float,
    "refused": str,
    "error": str,
}
AT_LEAST: dict[str, type] = {"at_least": int, "at_least_probability": float}


def columns(at_least: int | None = None) -> dict[str, type]:
    """The columns of a table of answers."""
    return COLUMNS if at_least is None else COLUMNS | AT_LEAST


def rows_of(answer: Answer, at_least: int | None = None, min_quality: float = 0.0) -> list[dict[str, Any]]:
    """An answer's rows, their values as in its JSON; a key that is missing is null."""
    if not answer.faces:
        return [{"image": answer.image, "error": answer.error}]
    rows = []
    for number, face in enumerate(answer.faces, start=1):
        values = face.to_dict(at_least, min_quality)
        values |= dict(zip(("x0", "y0", "x1", "y1"), values.pop("box"), strict=True))
        low, high = values.pop("age_interval") or (None, None)
        rows.append({"image": answer.image, "face": number, **values, "age_low": low, "age_high": high})
    return rows
