"""The writers of ``agelens predict``: those its options name, and its tables for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agelens.cli.console import table
from agelens.errors import OutputError
from agelens.faces.kinds import kind_of_file
from agelens.files import check_output
from agelens.inference.carried import NO_COLUMNS, Kinds
from agelens.inference.writers import (
    TEXT_WRITERS,
    Sink,
    Writer,
    json_lines_writer,
    opened_text,
    picture_writer,
    video_writer,
)

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from agelens.cli.console import Format
    from agelens.faces.images import Source
    from agelens.inference.answers import Answer, Face
    from agelens.inference.options import AnswerOptions
    from agelens.inference.video import FrameAnswer, Video


def check_file(output: Path, format: Format | None, job: bool) -> None:
    """Refuse a file that cannot be written, holds a picture, or whose name promises a format that is not."""
    check_output(output)
    if output.is_file() and kind_of_file(output) != "other":
        raise OutputError(f"{output} is a picture or a video, and would be replaced; name another file")
    known = [*TEXT_WRITERS, "parquet", "txt", ""]
    if format is None and not job and output.suffix.lower()[1:] not in known:
        raise OutputError(f"{output}: there are .json, .jsonl, .csv, .parquet and .txt, or name a --format")


def image_writers(
    format: Format | None,
    output: Path | None,
    annotate: Path | None,
    options: AnswerOptions,
    own: Kinds = NO_COLUMNS,
) -> list[Writer[Answer]]:
    """The writers of images' answers; without a format, ``output``'s suffix decides, else it is a table.

    ``own`` are the columns of the images' tables.
    """
    begin = TEXT_WRITERS.get(format or (output.suffix.lower()[1:] if output else "table"), table_writer)
    return [begin(output, options, own), *([picture_writer(annotate)] if annotate else [])]


def frame_writers(
    video: Video, format: Format | None, output: Path | None, annotate: Path | None, options: AnswerOptions
) -> list[Writer[FrameAnswer]]:
    """The writers of a video's answers: a table, JSON lines into a file or in its place, the drawn video."""
    lines = format == "jsonl" or output is not None
    writers: list[Writer[FrameAnswer]] = [json_lines_writer(output)] if lines else []
    if output is not None or not lines:
        writers.append(track_table_writer(options))
    if annotate is not None:
        writers.append(video_writer(annotate / f"{video.name}.mp4", video.rate))
    return writers


@contextmanager
def table_writer(output: Path | None, options: AnswerOptions, own: Kinds) -> Iterator[Sink[Answer]]:
    """A line a face, once all are known: names are shown from the folder that the images share.

    Where an image has several, they are numbered as ``--annotate`` draws them. A table of images shows none
    of its ``own`` columns.
    """
    from rich.console import Console

    answers: list[Answer] = []
    with opened_text(output) as file:
        yield lambda answer, image: answers.append(answer)
        Console(file=file, width=None if output is None else 120).print(_faces_of_images(answers, options))


@contextmanager
def track_table_writer(options: AnswerOptions) -> Iterator[Sink[FrameAnswer]]:
    """A line a face that was followed, at the end: when it was seen, and its last answer."""
    from rich.console import Console

    seen: dict[int, tuple[float, float, int, Face]] = {}  # by track: first and last seconds, frames, face

    def add(answer: FrameAnswer, image: Source) -> None:
        for tracked in answer.faces:
            first = seen[tracked.track][0] if tracked.track in seen else answer.seconds
            seen[tracked.track] = first, answer.seconds, tracked.frames, tracked.face

    yield add
    lines = _face_table(("face", "seen", "frames"), options)
    for track, (first, last, frames, face) in seen.items():
        lines.add_row(str(track), f"{first:.1f}–{last:.1f} s", str(frames), *_cells(face))
    Console().print(lines if seen else "no face was found")


def _faces_of_images(answers: Sequence[Answer], options: AnswerOptions) -> Table:
    from rich.text import Text

    numbered = any(len(answer.faces) > 1 for answer in answers)
    lines = _face_table(("image", *["face"] * numbered), options, ("face at (x, y)",))
    lines.columns[0].overflow, lines.columns[0].min_width = "fold", 12
    paths = [os.path.abspath(answer.image) for answer in answers]  # some may be relative, some not
    folder = os.path.commonpath(map(os.path.dirname, paths)) if paths else ""
    for answer, path in zip(answers, paths, strict=True):
        name = Text(os.path.relpath(path, folder))
        blank = [""] * numbered
        if answer.error:
            lines.add_row(name, *blank, "–", "", Text("cannot be read", style="red"))
        elif not answer.faces:
            lines.add_row(name, *blank, "–", "", Text("no face found", style="yellow"))
        for number, face in enumerate(answer.faces, start=1):
            corner = f"{max(0, face.box[0]):.0f}, {max(0, face.box[1]):.0f}"
            own = [str(number) if len(answer.faces) > 1 else ""] * numbered
            lines.add_row(name if number == 1 else "", *own, *_cells(face), corner)
    return lines


def _face_table(before: Sequence[str], options: AnswerOptions, after: Sequence[str] = ()) -> Table:
    """A table with the columns that ``_cells`` fills between others; figures stand to the right."""
    asked = [] if options.at_least is None else [f"{options.at_least} or older"]
    columns = (*before, "age", f"{options.level:.0%} interval", "gender", "sure", *asked, *after)
    return table(*columns, right=[one for one in columns if one not in ("image", "gender")])


def _cells(face: Face) -> list[str | Text]:
    """A face's answer as cells, or that it was refused."""
    from rich.text import Text

    from agelens.figures import certainty, gender_word

    asked = []
    if face.at_least is not None:
        asked = [certainty(face.at_least_probability, digits=1)]
    if face.refused:
        refusal = Text(f"refused: quality {face.quality:.2f}", style="yellow")
        return ["–", "", refusal, "", *[""] * len(asked)]
    age = interval = "–"
    if face.age is not None and face.age_interval is not None:
        low, high = face.age_interval
        age, interval = f"{face.age:.1f}", f"{low:.0f} – {high:.0f}"
    gender, sure = gender_word(face.gender, face.gender_probability), certainty(face.gender_probability)
    return [age, interval, gender, sure, *asked]
