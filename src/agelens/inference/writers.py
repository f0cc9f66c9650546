"""Writers: the sinks of a stream of answers, from JSON to drawn pictures.

A writer is a context manager that gives a function; the function takes each answer and the image it is of. A
file appears once its block has ended without an error; standard output has each answer as it comes.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from agelens.files import written_whole
from agelens.inference.answers import Answer
from agelens.inference.carried import NO_COLUMNS, Kinds, carried_names, text
from agelens.inference.options import AnswerOptions
from agelens.inference.rows import columns, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

    from agelens.faces.images import Pixels, Source
    from agelens.inference.predictor import Predictor
    from agelens.inference.sources import ImageRef
    from agelens.inference.video import FrameAnswer

AnyAnswer = TypeVar("AnyAnswer")
Sink = Callable[[AnyAnswer, "Source"], None]
Writer = AbstractContextManager[Sink[AnyAnswer]]


def write_all(
    answers: Iterable[tuple[Source, AnyAnswer]],
    writers: Sequence[Writer[AnyAnswer]],
    progress: AbstractContextManager[Callable[[int], None]] = nullcontext(lambda done: None),
    *,
    ends: tuple[type[BaseException], ...] = (),
) -> BaseException | None:
    """Hand every answer, with its image, to every writer as it comes.

    ``progress`` gives a function that is told how many are written, and ends before the writers do. An
    exception of ``ends``, such as the interrupt (^C) that ends a camera's stream, is returned instead of
    raised once there was an answer: what was written until then is kept.
    """
    ended, done = None, 0
    with ExitStack() as stack:
        sinks = [stack.enter_context(writer) for writer in writers]
        with progress as tell:
            try:
                for done, (image, answer) in enumerate(answers, start=1):
                    for sink in sinks:
                        sink(answer, image)
                    tell(done)
            except ends as end:
                if not done:
                    raise
                ended = end
    return ended


def answered(
    predictor: Predictor, images: Iterable[ImageRef], options: AnswerOptions
) -> Iterator[tuple[Source, Answer]]:
    """Images and their answers, in order, for ``write_all``."""
    images, asked = tee(images)
    yield from zip((one.source for one in images), predictor.predict_many(asked, options), strict=True)


@contextmanager
def opened_text(output: Path | None) -> Iterator[TextIO]:
    """A text file that appears once it is whole; standard output for None."""
    if output is None:
        yield sys.stdout
        return
    with written_whole(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def json_lines_writer(output: Path | None) -> Iterator[Sink[Answer | FrameAnswer]]:
    """One line of JSON an image or frame."""
    with opened_text(output) as file:

        def add(answer: Answer | FrameAnswer, image: Source) -> None:
            file.write(json.dumps(answer.to_dict(), ensure_ascii=False) + "\n")
            file.flush()

        yield add


@contextmanager
def json_writer(output: Path | None) -> Iterator[Sink[Answer]]:
    """One list of JSON, an entry an image."""
    with opened_text(output) as file:
        before = "[\n  "

        def add(answer: Answer, image: Source) -> None:
            nonlocal before
            entry = json.dumps(answer.to_dict(), indent=2, ensure_ascii=False)
            file.write(before + entry.replace("\n", "\n  "))
            before = ",\n  "

        yield add
        file.write("[]\n" if before.startswith("[") else "\n]\n")


@contextmanager
def csv_writer(
    output: Path | None, options: AnswerOptions, own: Kinds = NO_COLUMNS
) -> Iterator[Sink[Answer]]:
    """One row a face; see ``rows``. The ``own`` columns of the images' tables are the last."""
    carried = carried_names(own, columns(options))
    with opened_text(output) as file:
        table = csv.DictWriter(file, [*columns(options), *carried.values()], lineterminator="\n")
        table.writeheader()

        def add(answer: Answer, image: Source) -> None:
            rows = rows_of(answer, carried)
            table.writerows(row | {name: text(row[name]) for name in carried.values()} for row in rows)
            file.flush()

        yield add


#: The text formats, by name.
TEXT_WRITERS: dict[str, Callable[[Path | None, AnswerOptions, Kinds], Writer[Answer]]] = {
    "json": lambda output, options, own: json_writer(output),
    "jsonl": lambda output, options, own: json_lines_writer(output),
    "csv": csv_writer,
}


@contextmanager
def parquet_writer(
    output: Path,
    options: AnswerOptions,
    own: Kinds = NO_COLUMNS,
    *,
    metadata: Callable[[], dict[bytes, bytes]] = dict,
) -> Iterator[Sink[Answer]]:
    """One row a face, in one row group: answers are held until the end, when ``metadata`` is asked for."""
    import pyarrow.parquet as pq

    answers: list[Answer] = []
    with written_whole(output) as temporary:
        yield lambda answer, image: answers.append(answer)
        table = parquet_table(answers, options, own).replace_schema_metadata(metadata() or None)
        pq.write_table(table, temporary, compression="zstd")


def parquet_schema(options: AnswerOptions, own: Kinds = NO_COLUMNS) -> pa.Schema:
    """The columns of ``rows`` as Parquet has them, and behind them the ``own`` ones of the images' tables."""
    import pyarrow as pa

    kinds: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int32(), float: pa.float32()}
    carried = {column: own[name] for name, column in carried_names(own, columns(options)).items()}
    return pa.schema([(name, kinds.get(kind, kind)) for name, kind in (columns(options) | carried).items()])


def parquet_table(answers: Iterable[Answer], options: AnswerOptions, own: Kinds = NO_COLUMNS) -> pa.Table:
    """Answers as a table of that schema."""
    import pyarrow as pa

    carried = carried_names(own, columns(options))
    rows = [row for one in answers for row in rows_of(one, carried)]
    for column in [column for name, column in carried.items() if own[name] is str]:
        for row in rows:
            row[column] = text(row[column])
    return pa.Table.from_pylist(rows, parquet_schema(options, own))


@contextmanager
def picture_writer(folder: Path) -> Iterator[Sink[Answer]]:
    """Each picture with its faces drawn in, under its own name, numbered where two share one."""
    from agelens.inference.annotate import annotate

    drawn: set[Path] = set()

    def add(answer: Answer, image: Source) -> None:
        if answer.error is not None:
            return
        source = Path(answer.image)
        kept = source.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
        suffix = source.suffix.lower() if kept else ".png"
        stem = source.name if "#" in source.suffix else source.stem  # a table's row
        path, number = folder / f"{stem}{suffix}", 2
        while path in drawn:
            path, number = folder / f"{stem}-{number}{suffix}", number + 1
        drawn.add(path)
        with written_whole(path) as temporary:
            annotate(image, answer.faces).save(temporary, quality=92)

    yield add


@contextmanager
def video_writer(output: Path, rate: float) -> Iterator[Sink[FrameAnswer]]:
    """The video, MP4, with the faces drawn in; ``rate`` in frames a second."""
    import numpy as np

    from agelens.inference.annotate import annotate
    from agelens.inference.video import mp4_encoder

    with ExitStack() as stack:
        append: Callable[[Pixels], None] | None = None

        def add(answer: FrameAnswer, image: Source) -> None:
            nonlocal append
            numbers = [tracked.track for tracked in answer.faces]
            drawn = annotate(image, [tracked.face for tracked in answer.faces], numbers=numbers)
            if append is None:  # the size is known once a frame is drawn
                whole = stack.enter_context(written_whole(output))
                append = stack.enter_context(mp4_encoder(whole, rate, drawn.size))
            append(np.asarray(drawn))

        yield add
