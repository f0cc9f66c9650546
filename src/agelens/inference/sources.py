"""What is read: folders, manifests, globs and single images, as one stream of named images."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agelens.errors import AgeLensError
from agelens.faces.images import Source


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image: what answers and errors call it, and where it is to be had."""

    name: str
    source: Source


def stream(sources: Sequence[str | Path]) -> Iterator[ImageRef]:
    """The images of folders, manifests, globs and files, in an order that a second pass repeats.

    Folders are walked, not listed whole, so that memory does not grow with them. A file that is missing comes
    all the same: its answer says so.

    Raises:
        AgeLensError: a folder or glob holds no image.
        ManifestError: a manifest cannot be read.
    """
    for source in sources:
        path = Path(source)
        if path.is_dir():
            yield from _some(map(str, _walk(path)), f"the folder {path} holds no images")
        elif path.suffix.lower() in (".csv", ".parquet") and path.is_file():
            yield from _of_manifest(path)
        elif glob.has_magic(str(source)) and not path.exists():
            matches = sorted(glob.iglob(str(source), recursive=True))
            yield from _some(filter(os.path.isfile, matches), f"no file matches {source}")
        else:
            yield ImageRef(str(source), path)


def _some(names: Iterator[str], none: str) -> Iterator[ImageRef]:
    """The images of these names, or the error that there is none."""
    name = None
    for name in names:
        yield ImageRef(name, Path(name))
    if name is None:
        raise AgeLensError(none)


def _walk(folder: Path) -> Iterator[Path]:
    from agelens.data.archives import IMAGE_SUFFIXES

    with os.scandir(folder) as entries:
        here = sorted(entries, key=lambda entry: entry.name)
    for entry in here:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path)
        elif path.suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
            yield path


def _of_manifest(table: Path) -> Iterator[ImageRef]:
    from agelens.data.manifest import read_manifest

    manifest = read_manifest(table)
    for sample in manifest.samples:
        yield ImageRef(sample.image, manifest.path(sample))
