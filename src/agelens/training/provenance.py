"""Where a result came from: commit, versions, data; recorded in every run and bundle."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agelens.data.pack import MANIFEST_FILE, is_pack
from agelens.errors import AgeLensError
from agelens.files import sha256
from agelens.training.recipe import Recipe, load_recipe
from agelens.version import __version__

_PACKAGES = ("torch", "lightning", "timm", "numpy", "opencv-python-headless")


def versions() -> dict[str, str]:
    """Python's and the versions of the packages that shape a result."""
    found = {"agelens": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def initial_weights(recipe: Recipe) -> str:
    """What a network starts from, unless it goes on from an earlier run."""
    return "ImageNet (timm)" if getattr(recipe.network, "pretrained", False) else "random"


def git_commit() -> str:
    """The commit the package's code stands at, marked ``-dirty`` if changed; ``unknown`` outside git."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def checkpoint_of(run: Path) -> Path:
    """The best checkpoint of a run's folder; a file is its own.

    Raises:
        AgeLensError: there is none.
    """
    checkpoint = run / "checkpoints" / "best.ckpt" if run.is_dir() else run
    if not checkpoint.is_file():
        raise AgeLensError(f"{run} is no checkpoint, nor a run's folder with checkpoints/best.ckpt")
    return checkpoint


def lineage(checkpoint: Path) -> dict[str, Any]:
    """What a run inherits from the checkpoint it starts from, as far as the files beside that tell."""
    run = checkpoint.parent.parent
    record, recipe = run / "run.json", run / "recipe.yaml"
    about = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    before = about.get("started_from") or {}
    first = initial_weights(load_recipe(str(recipe))) if recipe.is_file() else "unknown"
    return {
        "path": str(checkpoint),
        "sha256": sha256(checkpoint),
        "git_commit": about.get("git_commit", "unknown"),
        "initial_weights": before.get("initial_weights") or first,
        "sources": sorted({*about.get("data", {}).get("sources", []), *before.get("sources", [])}),
    }


def data_hash(source: Path) -> str:
    """The SHA-256 of the manifest, or of a pack's manifest."""
    return sha256(source / MANIFEST_FILE if is_pack(source) else source)
