"""Where a data set's images lie: in folders, in tar files, or both.

A manifest names image files, so tar members are unpacked once, beside the manifest.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from agelens.errors import ManifestError
from agelens.faces.kinds import IMAGE_SUFFIXES
from agelens.files import resolved, written_whole


def find_images(source: Path, manifest: Path) -> dict[str, str]:
    """Index every image under ``source`` by its path relative to ``source`` (or its name inside a tar).

    Args:
        source: a folder (searched in depth, tar files in it included) or one tar file.
        manifest: where the manifest will lie; tar files are unpacked beside it, except what is there whole.

    Returns:
        How the manifest names each image: relative where the image lies below it, else absolute.

    Raises:
        ManifestError: ``source`` does not exist, a tar file is damaged, or an image of it would replace
            another file.
    """
    if not source.exists():
        raise ManifestError(f"no such file or folder: {source}")
    unpack_to = manifest.parent / f"{manifest.stem}-images"
    found = _unpack(source, unpack_to) if source.is_file() else {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            found[path.relative_to(source).as_posix()] = path
        elif path.suffix == ".tar":
            found |= _unpack(path, unpack_to)
    root = resolved(manifest.parent)
    full = {key: resolved(path) for key, path in found.items()}
    below = {key: path.relative_to(root) for key, path in full.items() if path.is_relative_to(root)}
    return {key: path.as_posix() for key, path in (full | below).items()}


def _unpack(archive: Path, folder: Path) -> dict[str, Path]:
    """Copy the bytes of the images in a tar file, and nothing else of what it may say of them."""
    found: dict[str, Path] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.isfile() or Path(member.name).suffix.lower() not in IMAGE_SUFFIXES:
                    continue
                path = found[member.name] = folder / member.name
                if not resolved(path).is_relative_to(resolved(folder)):
                    raise ManifestError(f"{archive} cannot be read: {member.name!r} reaches outside it")
                content = tar.extractfile(member)
                if content is None:
                    continue
                if not path.exists():
                    with written_whole(path) as temporary, temporary.open("wb") as file:
                        shutil.copyfileobj(content, file)
                elif path.stat().st_size != member.size or path.read_bytes() != content.read():
                    raise ManifestError(f"{path} is another image than in {archive}; move it away first")
    except (tarfile.TarError, EOFError) as error:
        raise ManifestError(f"{archive} cannot be read as a tar file: {error}") from error
    return found
