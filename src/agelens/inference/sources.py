"""What is read: folders, tables, globs and single images, as one stream of named images."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from agelens.data.parquet_table import ImageRow
from agelens.errors import AgeLensError, OutputError
from agelens.faces.images import Source
from agelens.inference.tables import is_table, read_rows


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image: what answers and errors call it, and where it is to be had.

    Attributes:
        name: of the image.
        source: the image, or its file.
        row: the other columns of the table that it is a row of, by name.
        error: why there is no image.
    """

    name: str
    source: Source
    row: Mapping[str, Any] | None = None
    error: str | None = None

    @classmethod
    def of_row(cls, row: ImageRow, table: str, folder: str | Path) -> ImageRef:
        """The image of a table's row, called by its path or else by its row, as ``table.parquet#17``.

        A path is relative to the table's ``folder``; an address is not. Bytes in the table go before it.
        """
        name, values = _written(row.path) or f"{table}#{row.number}", row.values or None
        if row.content is not None:
            return cls(name, row.content, values)
        if not row.path:
            return cls(name, b"", values, f"{name}: the row holds no image, neither its bytes nor its path")
        if "://" in row.path or "://" in str(folder):
            return cls(name, row.path if "://" in row.path else f"{folder}/{row.path}", values)
        return cls(name, Path(folder, row.path), values)


def stream(sources: Sequence[str | Path], contents: bool = True) -> Iterator[ImageRef]:
    """The images of folders, tables, globs and files, in an order that a second pass repeats.

    Folders are walked, not listed whole, so that memory does not grow with them. A file that is missing comes
    all the same: its answer says so. Without ``contents``, images that lie in a table are named, not read.

    Raises:
        AgeLensError: a folder or glob holds no image.
        ManifestError: a table cannot be read, or has no images.
    """
    for source in sources:
        path = Path(source)
        if path.is_dir():
            yield from _some(map(str, _walk(path)), f"the folder {path} holds no images")
        elif is_table(path):
            for row in read_rows(path, contents):
                yield ImageRef.of_row(row, str(source), path.parent)
        elif glob.has_magic(str(source)) and not path.exists():
            matches = sorted(glob.iglob(str(source), recursive=True))
            yield from _some(filter(os.path.isfile, matches), f"no file matches {source}")
        else:
            yield ImageRef(_written(str(source)), path)


def survey(sources: Sequence[str | Path], output: Path | None, drawings: Path | None) -> int:
    """Count the images, and refuse outputs that would replace one of them or a table that names them.

    Raises:
        OutputError: the file to write is an input, or an image lies in the folder of the drawings.
    """
    images = 0
    tables = (ImageRef("", Path(source)) for source in sources if os.path.isfile(source))
    for image in chain(tables, stream(sources, contents=False)):
        images += bool(image.name)
        source = image.source
        if isinstance(source, Path):
            if output is not None and source.name == output.name and _same(source, output):
                raise OutputError(f"--output {output} is an input, and would be replaced; name another file")
            if drawings is not None and _same(source.parent, drawings):
                raise OutputError(f"{source} lies in --annotate {drawings}, where it could be drawn over")
    return images


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _written(name: str) -> str:
    """A file's name as text: bytes of it that are no UTF-8 are written as ``\\xff``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _some(names: Iterator[str], none: str) -> Iterator[ImageRef]:
    """The images of these names, or the error that there is none."""
    name = None
    for name in names:
        yield ImageRef(_written(name), Path(name))
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
