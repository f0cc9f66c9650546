"""``agelens predict``: read the faces of image files and folders."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agelens.cli.console import ModelOption, progress, tell, tell_failures
from agelens.errors import AgeLensError

if TYPE_CHECKING:
    from rich.table import Table

    from agelens.predictor import Answer

Format = Literal["table", "json", "jsonl", "csv"]

_CSV_COLUMNS = (
    "image", "face", "x0", "y0", "x1", "y1", "detection", "quality", "age", "age_low", "age_high",
    "interval_level", "gender", "gender_probability", "refused", "error",
)  # fmt: skip


def predict(
    paths: Annotated[list[Path], typer.Argument(help="Images, or folders of images (searched in depth).")],
    model: ModelOption = "embedded",
    detector: Annotated[
        Literal["auto", "yunet", "haar", "whole"],
        typer.Option(help="How faces are found; 'whole' takes each image as one aligned face."),
    ] = "auto",
    yunet: Annotated[Path | None, typer.Option(help="YuNet's file, if it is not in the cache.")] = None,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="Default: by --output's suffix, else a table.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here, not to stdout.")] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Also save each image with its faces drawn in, to this folder.")
    ] = None,
    level: Annotated[
        float, typer.Option(min=0.5, max=0.99, help="How often the age interval shall hold.")
    ] = 0.9,
    at_least: Annotated[
        int | None,
        typer.Option(min=0, max=100, help="Also answer how probable it is to be so many years old or older."),
    ] = None,
    min_quality: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Refuse faces of less quality (0..1); each refusal is said."),
    ] = 0.0,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: all cores.")] = None,
) -> None:
    """Read age and gender of every face in images.

    Exit code 0 if every image was read, 1 if some could not be (each is named), 2 on wrong use.
    """
    from agelens.catalogue import resolve
    from agelens.files import write_text
    from agelens.predictor import Predictor

    images = list(_expand(paths))
    chosen = format or _by_suffix(output)
    predictor = Predictor(resolve(model), detector, threads=threads, yunet=yunet)
    answers: list[Answer] = []
    drawn: set[Path] = set()
    with progress("reading faces", len(images)) as advance:
        for answer in predictor.predict_many(images, level):
            answers.append(answer)
            advance(len(answers))
            if annotate is not None and answer.error is None:
                _save_annotated(answer, annotate, drawn)
    if chosen == "table" and output is None:
        from rich.console import Console

        Console().print(_table(answers, at_least, min_quality))
    elif output is None:
        sys.stdout.write(_text(answers, chosen, at_least, min_quality))
    else:
        write_text(output, _text(answers, chosen, at_least, min_quality))
    refused = sum(face.refusal(min_quality) is not None for answer in answers for face in answer.faces)
    if refused:
        tell(f"agelens: {refused} faces are below quality {min_quality:g} and were refused")
    failed = [answer.error for answer in answers if answer.error]
    if failed:
        tell_failures(failed)
        tell(f"agelens: {len(failed)} of {len(answers)} images could not be read")
        raise typer.Exit(1)


def _expand(paths: Iterable[Path]) -> Iterator[Path]:
    from agelens.data.sources import IMAGE_SUFFIXES

    for path in paths:
        if not path.is_dir():
            yield path  # if it is missing, the answer says so
            continue
        found = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
        if not found:
            raise AgeLensError(f"the folder {path} holds no images")
        yield from found


def _by_suffix(output: Path | None) -> Format:
    suffixes: dict[str, Format] = {".json": "json", ".jsonl": "jsonl", ".csv": "csv"}
    if output is None:
        return "table"
    return suffixes.get(output.suffix.lower(), "table")


def _text(answers: list[Answer], format: Format, at_least: int | None, min_quality: float) -> str:
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
            Console(file=buffer, width=120).print(_table(answers, at_least, min_quality))
            return buffer.getvalue()


def _csv(answers: list[Answer], at_least: int | None, min_quality: float) -> str:
    """One row a face; an image without a face, or with an error, has one row too."""
    buffer = io.StringIO()
    columns = _CSV_COLUMNS if at_least is None else (*_CSV_COLUMNS, "at_least", "at_least_probability")
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for answer in answers:
        if not answer.faces:
            writer.writerow({"image": answer.image, "error": answer.error or ""})
        for number, face in enumerate(answer.faces, start=1):
            values = face.to_dict(at_least, min_quality)
            row = dict(zip(("x0", "y0", "x1", "y1"), values.pop("box"), strict=True))
            row |= dict(zip(("age_low", "age_high"), values.pop("age_interval") or (None, None), strict=True))
            writer.writerow({"image": answer.image, "face": number, **row, **values})
    return buffer.getvalue()


def _table(answers: list[Answer], at_least: int | None, min_quality: float) -> Table:
    from rich.table import Table
    from rich.text import Text

    from agelens.annotate import certainty

    levels = {face.interval_level for answer in answers for face in answer.faces} or {0.9}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("image", overflow="fold", min_width=12)
    table.add_column("age", justify="right")
    table.add_column(f"{max(levels):.0%} interval", justify="right")
    table.add_column("gender")
    table.add_column("sure", justify="right")
    if at_least is not None:
        table.add_column(f"{at_least} or older", justify="right")
    table.add_column("face at (x, y)", justify="right")
    folder = os.path.commonpath([os.path.dirname(answer.image) for answer in answers]) if answers else ""
    for answer in answers:
        name = Text(os.path.relpath(answer.image, folder or "."))
        if answer.error:
            table.add_row(name, "–", "", Text("cannot be read", style="red"), "", "")
        elif not answer.faces:
            table.add_row(name, "–", "", Text("no face found", style="yellow"), "", "")
        for number, face in enumerate(answer.faces):
            if face.refusal(min_quality) is not None:
                refused = Text(f"refused: quality {face.quality:.2f}", style="yellow")
                place = f"{max(0, face.box[0]):.0f}, {max(0, face.box[1]):.0f}"
                blank = [] if at_least is None else [""]
                table.add_row(name if number == 0 else "", "–", "", refused, "", *blank, place)
                continue
            low, high = face.age_interval
            table.add_row(
                name if number == 0 else "",
                f"{face.age:.1f}",
                f"{low:.0f} – {high:.0f}",
                str(face.gender),
                certainty(face.gender_probability),
                *([] if at_least is None else [f"{face.probability_at_least(at_least):.1%}"]),
                f"{max(0, face.box[0]):.0f}, {max(0, face.box[1]):.0f}",
            )
    return table


def _save_annotated(answer: Answer, folder: Path, drawn: set[Path]) -> None:
    """Save the picture with its faces under its own name, numbered where two inputs share one."""
    from agelens.annotate import annotate
    from agelens.files import written_whole

    source = Path(answer.image)
    suffix = source.suffix.lower() if source.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") else ".png"
    path = folder / f"{source.stem}{suffix}"
    number = 2
    while path in drawn:
        path = folder / f"{source.stem}-{number}{suffix}"
        number += 1
    drawn.add(path)
    with written_whole(path) as temporary:
        annotate(source, answer.faces).save(temporary, quality=92)
