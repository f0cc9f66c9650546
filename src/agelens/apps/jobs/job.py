"""A resumable job on one machine: parts of a thousand images, each written whole, joined at the end.

``out.parquet.parts`` holds ``job.json``, which says what was asked, and the parts done so far. A job that was
killed goes on after the last of them when the same command runs again: no row is lost or repeated, and at
most a part's images are read again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agelens.errors import JobError, require
from agelens.files import write_text, written_whole
from agelens.inference.answers import Answer
from agelens.inference.predictor import Predictor
from agelens.inference.rows import columns, rows_of
from agelens.inference.runtimes import RuntimeName
from agelens.inference.sources import Named

if TYPE_CHECKING:
    import pyarrow as pa

#: Images a part: what a kill can cost.
PART = 1000

#: Failures that a report names one by one.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes two runs the same job: the model's fingerprint, and what else its answers depend on."""

    model: str
    detector: str
    level: float
    at_least: int | None
    min_quality: float
    runtime: RuntimeName = "onnxruntime"


@dataclass(slots=True)
class Report:
    """What a job did."""

    images: int = 0
    faces: int = 0
    failed: int = 0
    refused: int = 0
    resumed: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, table: pa.Table) -> None:
        """Count a table's rows: an image has one at least, its first face's or its only."""
        import pyarrow.compute as pc

        faces = len(table) - table["face"].null_count
        others = len(table) - faces
        self.images += others + pc.sum(pc.equal(table["face"], 1)).as_py() if faces else others
        self.faces += faces
        self.refused += len(table) - table["refused"].null_count
        wrong = table["error"].drop_null().to_pylist()
        self.failed += len(wrong)
        self.failures += wrong[: NAMED - len(self.failures)]


def run_job(
    predictor: Predictor,
    images: Iterable[Named],
    output: Path,
    asked: Asked,
    *,
    part: int = PART,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Read images into a Parquet table, or go on with a job that was stopped.

    Args:
        predictor: the model.
        images: in the same order each time.
        output: the table; beside it lie the parts until it is whole.
        asked: what the answers depend on.
        part: images a part.
        progress: told how many images are done.

    Raises:
        JobError: the job begun there asked for something else, or its images have changed.
        MissingExtraError: pyarrow is not installed.
    """
    require("pyarrow", "jobs")
    folder = output.with_name(f"{output.name}.parts")
    _begin(folder, asked)
    report, parts = Report(), []
    done = 0
    source = iter(images)
    for number in range(2**31):
        chunk = list(islice(source, part))
        if not chunk:
            break
        path = folder / f"{number:06d}.parquet"
        digest = hashlib.sha256("\n".join(one.name for one in chunk).encode()).hexdigest()
        if path.exists():
            _check(path, digest, folder)
            report.resumed += len(chunk)
        else:
            answers = _answers(predictor, chunk, asked, done, progress)
            _write(path, answers, asked, digest)
        done += len(chunk)
        progress(done)
        parts.append(path)
    _join(parts, output, asked, report)
    shutil.rmtree(folder)
    return report


def schema_of(at_least: int | None) -> pa.Schema:
    """The table's columns as Parquet has them."""
    import pyarrow as pa

    kinds = {str: pa.string(), int: pa.int32(), float: pa.float32()}
    return pa.schema([(name, kinds[kind]) for name, kind in columns(at_least).items()])


def table_of(answers: Iterable[Answer], at_least: int | None, min_quality: float) -> pa.Table:
    """Answers as a table of that schema."""
    import pyarrow as pa

    schema = schema_of(at_least)
    rows = [row for answer in answers for row in rows_of(answer, at_least, min_quality)]
    return pa.Table.from_pydict({name: [row.get(name) for row in rows] for name in schema.names}, schema)


def _answers(
    predictor: Predictor, chunk: Sequence[Named], asked: Asked, before: int, progress: Callable[[int], None]
) -> Iterator[Answer]:
    read = predictor.predict_many((one.path for one in chunk), asked.level)
    for done, (one, answer) in enumerate(zip(chunk, read, strict=True), start=1):
        yield replace(answer, image=one.name)
        progress(before + done)


def _begin(folder: Path, asked: Asked) -> None:
    about = folder / "job.json"
    if not about.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_text(about, json.dumps(asdict(asked), indent=2) + "\n")
        return
    began: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
    if different := [key for key, value in asdict(asked).items() if began.get(key) != value]:
        raise JobError(
            f"{folder} holds a job that asked for another {', '.join(different)}; "
            "run its command again to end it, or delete the folder to begin anew"
        )


def _check(path: Path, digest: str, folder: Path) -> None:
    import pyarrow.parquet as pq

    if (pq.read_schema(path).metadata or {}).get(b"images") != digest.encode():
        raise JobError(
            f"the images have changed since the job in {folder} began (at part {path.stem}); "
            "delete the folder to begin anew"
        )


def _write(path: Path, answers: Iterable[Answer], asked: Asked, digest: str) -> None:
    import pyarrow.parquet as pq

    table = table_of(answers, asked.at_least, asked.min_quality)
    with written_whole(path) as temporary:
        pq.write_table(table.replace_schema_metadata({"images": digest}), temporary, compression="zstd")


def _join(parts: Sequence[Path], output: Path, asked: Asked, report: Report) -> None:
    import pyarrow.parquet as pq

    with (
        written_whole(output) as temporary,
        pq.ParquetWriter(temporary, schema_of(asked.at_least), compression="zstd") as writer,
    ):
        for path in parts:
            table = pq.read_table(path).replace_schema_metadata(None)
            writer.write_table(table)
            report.add(table)
