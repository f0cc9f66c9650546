"""Where a result comes from: code, data, start and hardware of a run, the content of its ``run.json``."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agelens.data.pack import MANIFEST_FILE, is_pack
from agelens.files import sha256
from agelens.labels import Sample
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


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)  # keys of another version are passed over


class DataRecord(_Record):
    """What a run learnt from, each file by its SHA-256.

    Attributes:
        path: the manifest or pack.
        sha256: of the manifest, or of the pack's manifest.
        also: the same for each further table, by path.
        teacher: of the teacher's answers; None without a teacher.
        sources: names of the data sets in the training split.
    """

    path: str
    sha256: str
    also: dict[str, str] = {}
    teacher: str | None = None
    sources: tuple[str, ...] = ()


class StartRecord(_Record):
    """The checkpoint a run started from, and what its weights had seen, as far as its run folder tells."""

    path: str
    sha256: str
    git_commit: str = "unknown"
    initial_weights: str = "unknown"
    sources: tuple[str, ...] = ()


class RunRecord(_Record):
    """The content of ``run.json``: where a result came from.

    ``images`` counts the images of each split.
    """

    git_commit: str = "unknown"
    versions: dict[str, str] = {}
    data: DataRecord
    started_from: StartRecord | None = None
    images: dict[str, int] = {}
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
) -> RunRecord:
    """The record of a run that begins now.

    Args:
        recipe: its recipe.
        source: its manifest or pack.
        splits: the usable samples of each split.
        started_from: the checkpoint whose weights it goes on from, if any.
        hardware: where it runs.
    """
    data = DataRecord(
        path=str(source),
        sha256=_table_sha256(source),
        also={str(path): _table_sha256(path) for path in recipe.also},
        teacher=None if recipe.teacher is None else sha256(recipe.teacher),
        sources=tuple(sorted({sample.source for sample in splits["train"] if sample.source})),
    )
    return RunRecord(
        git_commit=git_commit(),
        versions=versions(),
        data=data,
        started_from=started_from,
        images={split: len(samples) for split, samples in splits.items()},
        hardware=hardware,
    )


def versions() -> dict[str, str]:
    """Python's version and those of the packages that shape a result."""
    found = {"agelens": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str:
    """The commit of the package's code, marked ``-dirty`` if changed; ``unknown`` outside git."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _table_sha256(source: Path) -> str:
    """The SHA-256 of a manifest, or of a pack's manifest."""
    return sha256(source / MANIFEST_FILE if is_pack(source) else source)
