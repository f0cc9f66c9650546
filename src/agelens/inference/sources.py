"""What is read: folders, manifests, globs, images and standard input, as one stream of named images."""

from __future__ import annotations

import glob
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from agelens.errors import AgeLensError, OutputError
from agelens.faces.images import Source
from agelens.faces.kinds import kind_of_file, kind_of_name

#: The source that is standard input; a file of this name is ``./-``.
STANDARD_INPUT = "-"
MAX_STANDARD_INPUT = 2**29  # bytes; an endless stream ends in an error, not in a full memory


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image: what answers and errors call it, and where it is to be had."""

    name: str
    source: Source


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


@dataclass(slots=True)
class PassedOver:
    """What a search of folders found and did not take for images.

    Attributes:
        kinds: how many files of each suffix, hidden files aside.
        videos: how many videos; a video is read alone.
        closed: the folders that could not be opened, and why.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    videos: int = 0
    closed: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What a person should know of it."""
        said = [f"{folder}; what is in it was passed over" for folder in self.closed]
        if self.videos:
            said.append(f"passed over in folders: videos ({self.videos}); name a video alone to read it")
        if self.kinds:
            each = ", ".join(f"{suffix} ({count})" for suffix, count in self.kinds.most_common())
            said.append(f"passed over in folders, since they are no images: {each}")
        return said


def stream(
    sources: Sequence[str | Path | ImageRef], passed_over: PassedOver | None = None
) -> Iterator[ImageRef]:
    """The images of folders, manifests, globs and files, in an order that a second pass repeats.

    Folders are walked, not listed whole, so that memory does not grow with them; in a folder, a file is an
    image by its suffix, or by its content where the suffix says nothing. A file that is missing comes all the
    same: its answer says so. ``passed_over`` is told of what folders hold besides.

    Raises:
        AgeLensError: a folder or glob holds no image or cannot be opened.
        ManifestError: a manifest cannot be read.
    """
    seen = PassedOver() if passed_over is None else passed_over
    for source in sources:
        if isinstance(source, ImageRef):
            yield source
            continue
        path = Path(source)
        if os.path.isdir(path):
            yield from _some(_walk(str(path), seen, named=True), f"the folder {path} holds no images")
        elif path.suffix.lower() in (".csv", ".parquet") and os.path.isfile(path):
            yield from _of_manifest(path)
        elif glob.has_magic(str(source)) and not os.path.exists(path):
            matches = sorted(glob.iglob(str(source), recursive=True))
            yield from _some(filter(os.path.isfile, matches), f"no file matches {source}")
        else:
            yield ImageRef(_written(str(source)), path)


def survey(
    sources: Sequence[str | Path | ImageRef], output: Path | None, drawings: Path | None
) -> tuple[int, PassedOver]:
    """Count the images, and refuse outputs that would replace one of them or a table that names them.

    Raises:
        OutputError: the file to write is an input, or an image lies in the folder of the drawings.
    """
    images, passed_over = 0, PassedOver()
    paths = (Path(source) for source in sources if not isinstance(source, ImageRef))
    tables = (ImageRef("", path) for path in paths if os.path.isfile(path))
    for image in chain(tables, stream(sources, passed_over)):
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


def _walk(folder: str, passed_over: PassedOver, *, named: bool = False) -> Iterator[str]:
    """The images in a folder; one that was ``named`` must open, one found in it costs what it holds."""
    try:
        with os.scandir(folder) as entries:
            here = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        sentence = f"the folder {_written(folder)} cannot be opened: {error.strerror}"
        if named:
            raise AgeLensError(sentence) from error
        passed_over.closed.append(sentence)
        return
    for entry in here:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, passed_over)
        elif entry.is_file():
            yield from _if_image(entry, passed_over)


def _if_image(entry: os.DirEntry[str], passed_over: PassedOver) -> Iterator[str]:
    kind = kind_of_name(entry.name)
    if entry.name.startswith(
        "._"
    ):  # beside a file "x", macOS keeps what its own file system knows of it in "._x"
        return
    if kind == "other" and not entry.name.startswith("."):
        kind = kind_of_file(entry.path)
    if kind == "image":
        yield entry.path
    elif kind == "video":
        passed_over.videos += 1
    elif not entry.name.startswith("."):
        suffix = _written(os.path.splitext(entry.name)[1].lower())
        passed_over.kinds[suffix or "without a suffix"] += 1


def _of_manifest(table: Path) -> Iterator[ImageRef]:
    from agelens.data.manifest import read_manifest

    manifest = read_manifest(table)
    for sample in manifest.samples:
        yield ImageRef(sample.image, manifest.path(sample))
