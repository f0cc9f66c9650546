"""Where a result came from: commit, versions, data; recorded in every run and bundle."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agelens.data.pack import MANIFEST_FILE, is_pack
from agelens.files import sha256
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


def git_commit() -> str:
    """The commit the package's code stands at, marked ``-dirty`` if changed; ``unknown`` outside git."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def data_hash(source: Path) -> str:
    """The SHA-256 of the manifest, or of a pack's manifest."""
    return sha256(source / MANIFEST_FILE if is_pack(source) else source)
