"""What is read: folders, tables, globs, images and standard input, as one stream of named images."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from agelens.data.parquet_table import ImageRow
from agelens.errors import AgeLensError, OutputError
from agelens.faces.images import Source
from agelens.files import check_local
from agelens.inference.folders import PassedOver, as_text, walk
from agelens.inference.tables import is_table, read_rows

#: The source that is standard input; a file of this name is ``./-``.
STANDARD_INPUT = "-"
MAX_STANDARD_INPUT = 2**29  # bytes; an endless stream ends in an error, not in a full memory


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
    row: Mapping[str, object] | None = None
    error: str | None = None

    @classmethod
    def of_row(cls, row: ImageRow, table: str, folder: str | Path) -> ImageRef:
        """The image of a table's row, called by its path or else by its row, as ``table.parquet#17``.

        A path is relative to the table's ``folder``; an address is not. Bytes in the table go before it.
        """
        name, values = as_text(row.path) or f"{table}#{row.number}", row.values or None
        if row.content is not None:
            return cls(name, row.content, values)
        if not row.path:
            return cls(name, b"", values, f"{name}: the row holds no image, neither its bytes nor its path")
        if "://" in row.path or "://" in str(folder):
            return cls(name, row.path if "://" in row.path else f"{folder}/{row.path}", values)
        return cls(name, Path(folder, row.path), values)


def standard_input() -> ImageRef:
    """The image piped in.

    Raises:
        AgeLensError: nothing is, or more than an image has.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise AgeLensError("nothing is piped into standard input; as in: agelens predict - < photo.jpg")
    content = sys.stdin.buffer.read(MAX_STANDARD_INPUT + 1)
    if len(content) > MAX_STANDARD_INPUT:
        raise AgeLensError(f"standard input holds more than an image may: {MAX_STANDARD_INPUT >> 20} MB")
    return ImageRef("standard input", content)


def stream(
    sources: Sequence[str | Path | ImageRef], passed_over: PassedOver | None = None, *, contents: bool = True
) -> Iterator[ImageRef]:
    """The images of folders, tables, globs and files, in an order that a second pass repeats.

    A file that is missing comes all the same: its answer says so. ``passed_over`` is told of what folders
    hold besides. Without ``contents``, images that lie in a table are named, not read.

    Raises:
        AgeLensError: a folder or glob holds no image or cannot be opened.
        ManifestError: a table cannot be read, or has no images.
    """
    seen = PassedOver() if passed_over is None else passed_over
    for source in sources:
        if isinstance(source, ImageRef):
            yield source
            continue
        path = Path(source)
        if os.path.isdir(path):
            yield from _some(walk(str(path), seen, named=True), f"the folder {path} holds no images")
        elif is_table(path):
            for row in read_rows(path, contents):
                yield ImageRef.of_row(row, str(source), path.parent)
        elif glob.has_magic(str(source)) and not os.path.exists(path):
            matches = sorted(glob.iglob(str(source), recursive=True))
            yield from _some(filter(os.path.isfile, matches), f"no file matches {source}")
        else:
            yield ImageRef(as_text(str(source)), path)


def survey(
    sources: Sequence[str | Path | ImageRef], output: Path | None, drawings: Path | None
) -> tuple[int, PassedOver]:
    """Count the images, and refuse outputs that would replace one of them or a table that names them.

    Raises:
        OutputError: the file to write is an input, an image lies in the folder of the drawings, or that is
            an address.
    """
    if drawings is not None:
        check_local(drawings)
    images, passed_over = 0, PassedOver()
    paths = (Path(source) for source in sources if not isinstance(source, ImageRef))
    tables = (ImageRef("", path) for path in paths if os.path.isfile(path))
    for image in chain(tables, stream(sources, passed_over, contents=False)):
        images += bool(image.name)
        source = image.source
        if isinstance(source, Path):
            if output is not None and source.name == output.name and _same(source, output):
                raise OutputError(f"--output {output} is an input, and would be replaced; name another file")
            if drawings is not None and _same(source.parent, drawings):
                raise OutputError(f"{source} lies in --annotate {drawings}, where it could be drawn over")
    return images, passed_over


def _same(one: Path, other: Path) -> bool:
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def _some(names: Iterator[str], none: str) -> Iterator[ImageRef]:
    """The images of these names, or the error that there is none."""
    name = None
    for name in names:
        yield ImageRef(as_text(name), Path(name))
    if name is None:
        raise AgeLensError(none)
