"""Where a data set's images lie: in folders, in tar files, or both.

A manifest names image files, so tar members are unpacked once, beside the manifest.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

from agelens.errors import ManifestError
from agelens.files import written_whole

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})


def find_images(source: Path, unpack_to: Path) -> dict[str, Path]:
    """Index every image under ``source`` by its path relative to ``source`` (or its name inside a tar).

    Args:
        source: a folder (searched in depth, tar files in it included) or one tar file.
        unpack_to: the folder that receives the images of tar files; files already there in full are kept.

    Raises:
        ManifestError: ``source`` does not exist, or a tar file is damaged.
    """
    if not source.exists():
        raise ManifestError(f"no such file or folder: {source}")
    if source.is_file():
        return _unpack(source, unpack_to)
    found: dict[str, Path] = {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            found[path.relative_to(source).as_posix()] = path
        elif path.suffix == ".tar":
            found.update(_unpack(path, unpack_to))
    return found


def relative_to_manifest(paths: Iterable[Path], manifest: Path) -> dict[Path, str]:
    """How a manifest names each image: relative where the image lies below it, else absolute."""
    root = manifest.parent.resolve()
    names: dict[Path, str] = {}
    for path in paths:
        resolved = path.resolve()
        names[path] = (resolved.relative_to(root) if resolved.is_relative_to(root) else resolved).as_posix()
    return names


def _unpack(archive: Path, folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.isfile() or Path(member.name).suffix.lower() not in IMAGE_SUFFIXES:
                    continue
                path = folder / member.name
                if not path.resolve().is_relative_to(folder.resolve()):
                    raise ManifestError(f"{archive} cannot be read: {member.name!r} reaches outside it")
                if not path.exists() or path.stat().st_size != member.size:
                    _write(tar, member, path)
                found[member.name] = path
    except (tarfile.TarError, EOFError) as error:
        raise ManifestError(f"{archive} cannot be read as a tar file: {error}") from error
    return found


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """Copy a member's bytes, and nothing else of what a tar file may say of it."""
    content = tar.extractfile(member)
    if content is None:
        raise ManifestError(f"{member.name!r} in a tar file is no file")
    with written_whole(path) as temporary, temporary.open("wb") as file:
        shutil.copyfileobj(content, file)
