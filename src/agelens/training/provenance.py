"""Where a result comes from: code, data, start and hardware of a run, the content of its ``run.json``.

Keys that another version wrote are passed over.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel

from agelens.data.pack import MANIFEST_FILE, is_pack
from agelens.files import sha256
from agelens.labels import Sample
from agelens.models.spec import HEADS, Head
from agelens.training.recipe import Recipe
from agelens.version import __version__

#: Packages whose versions shape a result.
_PACKAGES = ("torch", "lightning", "timm", "numpy", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where to train, in Lightning's own terms."""

    accelerator: str = "auto"
    devices: int | str = "auto"
    num_nodes: int = 1
    strategy: str = "auto"


class DataRecord(BaseModel, frozen=True):
    """What a run learnt from, each file by its SHA-256."""

    path: str  # of the manifest or pack
    sha256: str  # of the manifest, or of the pack's manifest
    also: dict[str, str] = {}  # the same for each further table, by path
    teacher: str | None = None  # of the teacher's answers
    sources: tuple[str, ...] = ()  # names of the data sets in the training split


class StartRecord(BaseModel, frozen=True):
    """The checkpoint a run started from, and what its weights had seen, as far as its run folder tells."""

    path: str
    sha256: str
    git_commit: str = "unknown"
    initial_weights: str = "unknown"
    sources: tuple[str, ...] = ()


class RunRecord(BaseModel, frozen=True):
    """The content of ``run.json``: where a result came from."""

    git_commit: str = "unknown"
    versions: dict[str, str] = {}
    data: DataRecord
    started_from: StartRecord | None = None
    images: dict[str, int] = {}  # by split
    heads: tuple[Head, ...] = HEADS  # that its labels taught
    hardware: Hardware = Hardware()

    @property
    def sources(self) -> list[str]:
        """All data sets that the weights have seen, those of the runs before it included."""
        before = self.started_from.sources if self.started_from else ()
        return sorted({*self.data.sources, *before})


def record_of(
    recipe: Recipe,
    source: Path,
    splits: Mapping[str, Sequence[Sample]],
    started_from: StartRecord | None,
    hardware: Hardware,
    *,
    heads: tuple[Head, ...] = HEADS,
) -> RunRecord:
    """The record of a run that begins now, with the usable samples of each split and the heads they teach."""
    data = DataRecord(
        path=str(source),
        sha256=sha256(table_of(source)),
        also={str(path): sha256(table_of(path)) for path in recipe.also},
        teacher=None if recipe.teacher is None else sha256(recipe.teacher),
        sources=tuple(sorted({sample.source for sample in splits["train"] if sample.source})),
    )
    return RunRecord(
        git_commit=git_commit(),
        versions=versions(),
        data=data,
        started_from=started_from,
        images={split: len(samples) for split, samples in splits.items()},
        heads=heads,
        hardware=hardware,
    )


def versions() -> dict[str, str]:
    """Python's version and those of the packages that shape a result."""
    found = {"agelens": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def git_commit() -> str:
    """The commit of the package's code, marked ``-dirty`` if changed; ``unknown`` outside git."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def table_of(source: Path) -> Path:
    """The table of a manifest, which it is itself, or of a pack."""
    return source / MANIFEST_FILE if is_pack(source) else source
