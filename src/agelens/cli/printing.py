"""How answers are printed: JSON, JSON lines, CSV, or a table for people."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from agelens.inference.rows import columns, rows_of

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from agelens.inference.answers import Answer, Face

Format = Literal["table", "json", "jsonl", "csv"]


def text_of(answers: Sequence[Answer], format: Format, at_least: int | None, min_quality: float) -> str:
    """Answers in a format; one entry an image, but in CSV one row a face."""
    match format:
        case "json":
            whole = [answer.to_dict(at_least, min_quality) for answer in answers]
            return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        case "jsonl":
            lines = (
                json.dumps(answer.to_dict(at_least, min_quality), ensure_ascii=False) for answer in answers
            )
            return "".join(f"{line}\n" for line in lines)
        case "csv":
            return _csv(answers, at_least, min_quality)
        case "table":
            from rich.console import Console

            buffer = io.StringIO()
            Console(file=buffer, width=120).print(table_for_people(answers, at_least, min_quality))
            return buffer.getvalue()


def _csv(answers: Sequence[Answer], at_least: int | None, min_quality: float) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(columns(at_least)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for answer in answers for row in rows_of(answer, at_least, min_quality))
    return buffer.getvalue()


def add_face_columns(table: Table, level: float, at_least: int | None) -> None:
    """The columns that ``face_cells`` fills."""
    table.add_column("age", justify="right")
    table.add_column(f"{level:.0%} interval", justify="right")
    table.add_column("gender")
    table.add_column("sure", justify="right")
    if at_least is not None:
        table.add_column(f"{at_least} or older", justify="right")


def face_cells(face: Face, at_least: int | None, min_quality: float) -> list[str | Text]:
    """A face's answer as a line of a table, or that it was refused."""
    from rich.text import Text

    from agelens.inference.annotate import certainty

    blank = [] if at_least is None else [""]
    if face.refusal(min_quality) is not None:
        return ["–", "", Text(f"refused: quality {face.quality:.2f}", style="yellow"), "", *blank]
    low, high = face.age_interval
    return [
        f"{face.age:.1f}",
        f"{low:.0f} – {high:.0f}",
        str(face.gender),
        certainty(face.gender_probability),
        *([] if at_least is None else [f"{face.probability_at_least(at_least):.1%}"]),
    ]


def table_for_people(answers: Sequence[Answer], at_least: int | None, min_quality: float) -> Table:
    """A table for the terminal: one line a face."""
    from rich.table import Table
    from rich.text import Text

    levels = {face.interval_level for answer in answers for face in answer.faces} or {0.9}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("image", overflow="fold", min_width=12)
    add_face_columns(table, max(levels), at_least)
    table.add_column("face at (x, y)", justify="right")
    folder = os.path.commonpath([os.path.dirname(answer.image) for answer in answers]) if answers else ""
    for answer in answers:
        name = Text(os.path.relpath(answer.image, folder or "."))
        if answer.error:
            table.add_row(name, "–", "", Text("cannot be read", style="red"), "", "")
        elif not answer.faces:
            table.add_row(name, "–", "", Text("no face found", style="yellow"), "", "")
        for number, face in enumerate(answer.faces):
            place = f"{max(0, face.box[0]):.0f}, {max(0, face.box[1]):.0f}"
            table.add_row(name if number == 0 else "", *face_cells(face, at_least, min_quality), place)
    return table
