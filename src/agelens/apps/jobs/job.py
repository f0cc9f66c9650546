"""A resumable job on one machine: parts of a thousand images, each written whole, joined at the end.

``out.parquet.parts`` holds ``job.json``, which says what was asked, and the parts done so far. A job that was
killed goes on after the last of them when the same command runs again: no row is lost or repeated, and at
most a part's images are read again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from agelens.errors import JobError, require
from agelens.files import write_text, written_whole
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.inference.runtimes import RuntimeName
from agelens.inference.sources import ImageRef
from agelens.inference.writers import Tally, answered, parquet_schema, parquet_writer

#: Images a part: what a kill can cost.
PART = 1000


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What makes two runs the same job: all that their answers depend on but the images."""

    model: str  # the bundle's fingerprint
    detector: str
    runtime: RuntimeName
    options: AnswerOptions


def run_job(
    predictor: Predictor,
    images: Iterable[ImageRef],
    output: Path,
    spec: JobSpec,
    *,
    part: int = PART,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Answer images into a Parquet table, or go on with a job that was stopped.

    Args:
        predictor: the model.
        images: in the same order each time.
        output: the table; beside it lie the parts until it is whole.
        spec: what the answers depend on.
        part: images a part.
        progress: told how many images are done.

    Raises:
        JobError: the job begun there asked for something else, or its images have changed.
        MissingExtraError: pyarrow is not installed.
    """
    pq = require("pyarrow.parquet", "jobs")
    folder = output.with_name(f"{output.name}.parts")
    _begin(folder, spec)
    report = Tally(spec.options, str(output))
    parts: list[Path] = []
    done = 0
    source = iter(images)
    while chunk := list(islice(source, part)):
        path = folder / f"{len(parts):06d}.parquet"
        digest = hashlib.sha256("\n".join(map(_state, chunk)).encode()).hexdigest()
        if not path.exists():
            with parquet_writer(path, spec.options, {"images": digest}) as add:
                for now, (image, answer) in enumerate(answered(predictor, chunk, spec.options), done + 1):
                    add(answer, image)
                    progress(now)
        elif (pq.read_schema(path).metadata or {}).get(b"images") == digest.encode():
            report.resumed += len(chunk)
        else:
            raise JobError(
                f"the images have changed since the job in {folder} began (at part {path.stem}); "
                "delete the folder to begin anew"
            )
        done += len(chunk)
        progress(done)
        parts.append(path)
    schema = parquet_schema(spec.options)
    with written_whole(output) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as file:
        for path in parts:
            table = pq.read_table(path).replace_schema_metadata(None)
            file.write_table(table)
            report.add_table(table)
    shutil.rmtree(folder)
    return report


def _state(image: ImageRef) -> str:
    """An image's name, and what changes when its file does."""
    try:
        about = Path(str(image.source)).stat()
    except OSError:  # it is answered with its error
        return image.name
    return f"{image.name} {about.st_size} {about.st_mtime_ns}"


def _begin(folder: Path, spec: JobSpec) -> None:
    about, asked = folder / "job.json", asdict(spec)
    asked |= asked.pop("options")
    if not about.exists():
        if folder.exists() and any(folder.iterdir()):
            raise JobError(f"{folder} is no job's own folder: move it away, or name another output")
        folder.mkdir(parents=True, exist_ok=True)
        write_text(about, json.dumps(asked, indent=2) + "\n")
        return
    began = json.loads(about.read_text(encoding="utf-8"))
    if different := [key for key, value in asked.items() if began.get(key) != value]:
        raise JobError(
            f"{folder} holds a job that asked for another {', '.join(different)}; "
            "run its command again to end it, or delete the folder to begin anew"
        )
