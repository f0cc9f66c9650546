"""A resumable job on one machine: parts of a thousand images, each written whole, joined at the end.

``out.parquet.parts`` holds ``job.json``, which says what was asked, the parts done so far, and the lock of
the process at work. A job that was killed goes on after the last part when the same command runs again: no
row is lost or repeated, and at most a part's images are read again.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path

from agelens.apps.jobs.lock import LOCK, locked
from agelens.errors import JobError, require
from agelens.faces.detection.search import SearchOptions
from agelens.files import write_text, written_whole
from agelens.inference.carried import NO_COLUMNS, Kinds
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.inference.runtimes import RuntimeName
from agelens.inference.sources import ImageRef
from agelens.inference.tally import Tally
from agelens.inference.writers import answered, parquet_schema, parquet_writer

#: Images a part: what a kill can cost.
PART = 1000

#: The file that says what a job was asked, and marks its folder as its own.
_ABOUT = "job.json"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What makes two runs the same job: all that their answers depend on but the images."""

    model: str  # the bundle's fingerprint
    detector: str
    runtime: RuntimeName
    options: AnswerOptions
    search: SearchOptions = field(default_factory=SearchOptions)


def run_job(
    predictor: Predictor,
    images: Iterable[ImageRef],
    output: Path,
    spec: JobSpec,
    own: Kinds = NO_COLUMNS,
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
        own: the columns of the images' tables, which the answers carry.
        part: images a part.
        progress: told how many images are done.

    Raises:
        JobError: the job begun there is at work, asked for something else, or its images have changed.
        MissingExtraError: pyarrow is not installed.
    """
    pq = require("pyarrow.parquet", "jobs")
    folder = folder_of(output)
    foreign = folder.is_dir() and {one.name for one in folder.iterdir()} - {LOCK}
    if foreign and not (folder / _ABOUT).exists():
        raise JobError(f"{folder} is no job's own folder: move it away, or name another output")
    report = Tally(spec.options, str(output))
    with locked(folder):
        _begin(folder / _ABOUT, spec, own)
        parts: list[Path] = []
        done = 0
        source = iter(images)
        for first in source:
            chunk = _Hashed(chain([first], islice(source, part - 1)))
            path = folder / f"{len(parts):06d}.parquet"
            if not path.exists():
                with parquet_writer(path, spec.options, own, metadata=chunk.metadata) as add:
                    for now, (image, answer) in enumerate(
                        answered(predictor, chunk, spec.options), start=done + 1
                    ):
                        add(answer, image)
                        progress(now)
            else:
                report.resumed += sum(1 for _ in chunk)
                if (pq.read_schema(path).metadata or {}) != chunk.metadata():
                    raise JobError(
                        f"the images have changed since the job in {folder} began (at part {path.stem}); "
                        "delete the folder to begin anew"
                    )
            done += chunk.images
            progress(done)
            parts.append(path)
        _join(parts, output, report, own)
        # What marks the folder as the job's own goes last.
        for path in (*parts, *folder.glob(".*"), folder / _ABOUT):
            path.unlink()
    return report


def folder_of(output: Path) -> Path:
    """Where the parts of a job lie, and its lock."""
    return output.with_name(f"{output.name}.parts")


def _join(parts: Iterable[Path], output: Path, report: Tally, own: Kinds) -> None:
    import pyarrow.parquet as pq

    schema = parquet_schema(report.options, own)
    with written_whole(output) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as file:
        for path in parts:
            table = pq.read_table(path).replace_schema_metadata(None)
            file.write_table(table)
            report.add_table(table)


class _Hashed:
    """A part's images, hashed as they pass: their names, their rows, and what changes when a file does."""

    def __init__(self, images: Iterable[ImageRef]) -> None:
        self.images = 0
        self._images, self._hash = images, hashlib.sha256()

    def __iter__(self) -> Iterator[ImageRef]:
        for image in self._images:
            self.images += 1
            self._hash.update(f"{_state(image)}\n".encode("utf-8", "backslashreplace"))
            yield image

    def metadata(self) -> dict[bytes, bytes]:
        """What the part's table notes of the images that have passed."""
        return {b"images": self._hash.hexdigest().encode()}


def _state(image: ImageRef) -> str:
    row = "" if image.row is None else f" {dict(image.row)!r}"
    if isinstance(image.source, bytes):
        return f"{image.name} {len(image.source)} {zlib.crc32(image.source)}{row}"
    try:
        about = Path(str(image.source)).stat()
    except (OSError, ValueError):  # it is answered with its error
        return image.name + row
    return f"{image.name} {about.st_size} {about.st_mtime_ns}{row}"


def _begin(about: Path, spec: JobSpec, own: Kinds) -> None:
    """Note what is asked, or refuse to mix it with what was asked before."""
    asked = asdict(spec) | {
        "columns": {name: "text" if kind is str else str(kind) for name, kind in own.items()}
    }
    asked |= asked.pop("options") | asked.pop("search")
    if not about.exists():
        write_text(about, json.dumps(asked, indent=2) + "\n")
        return
    began = json.loads(about.read_text(encoding="utf-8"))
    if different := [key for key, value in asked.items() if began.get(key) != value]:
        raise JobError(
            f"{about.parent} holds a job that asked for another {', '.join(different)}; "
            "run its command again to end it, or delete the folder to begin anew"
        )
