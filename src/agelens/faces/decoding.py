"""From an opened file to its pixels: which decoder, how much memory it takes, and what lacks at its end.

Everything that the header says is here before a pixel is unfolded, so that whoever opens a picture can refuse
it, or wait for room.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from PIL import (
    AvifImagePlugin,  # noqa: F401 - importing a plugin registers its decoder
    Image,
    ImageFile,
    JpegImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from agelens.errors import require
from agelens.faces import webp
from agelens.faces.bands import Decoded, Region
from agelens.faces.formats import HEAD, HEIC, Kind, recognise
from agelens.faces.frames import count_frames
from agelens.faces.memory import bytes_to_decode

File = str | Path | bytes | IO[bytes]

#: The decoders allowed, where this Pillow has them. Others are not safe: EPS would start a program.
_WANTED = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "AVIF")
Image.preinit()


def _first_tiff(*opened: Any) -> ImageFile.ImageFile:
    """Open a TIFF with Pillow's plugin, which from then on stands in this one's place."""
    from PIL.TiffImagePlugin import TiffImageFile

    return TiffImageFile(*opened)


#: The plugin takes a while to import, and TIFF is rare.
if "TIFF" not in Image.OPEN:
    Image.register_open("TIFF", _first_tiff, lambda head: head[:2] in (b"II", b"MM"))
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)

#: What decoders raise on broken data.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error, OverflowError, cv2.error)

#: Bytes a pixel that libheif and its picture take, of 8 bits and of more.
_HEIC_BYTES = {8: 6}
_HEIC_DEEP_BYTES = 12

_END_OF_JPEG = b"\xff\xd9"


class UnknownFormatError(Exception):
    """A file that no decoder takes; ``kind`` says what it is, if that is known."""

    def __init__(self, kind: Kind | None) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture whose header has been read.

    Attributes:
        size: width and height of the original as stored, pixels.
        frames: how many frames or pages the file holds; the first is decoded.
        cost: what decoding it takes, bytes.
        forgiving: whether its decoder gives what there is of a file that is cut short.
        decode: decodes it; leniently if told so, and then what there is.
    """

    size: tuple[int, int]
    frames: int
    cost: float
    forgiving: bool
    decode: Callable[[bool], Decoded]


@contextmanager
def opened(file: File, max_side: int | None) -> Iterator[Encoded]:
    """Open a file and read its header; JPEG is reduced while it is decoded, not below ``max_side``.

    Raises:
        UnknownFormatError: no decoder takes it.
        MissingExtraError: its decoder is an extra that is not installed.
        OSError: and whatever else ``BROKEN`` holds: it cannot be read.
    """
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # size and corruption are judged by whoever asks
        try:
            image = Image.open(source, formats=FORMATS)
        except UnidentifiedImageError:
            kind = recognise(_head(file))
            if kind is not HEIC:
                raise UnknownFormatError(kind) from None
            image = None
        if image is None:
            yield _of_heic(file)
            return
        with image:
            webp_file = image.format == "WEBP"
            yield _of_webp(image, file) if webp_file else of_pillow(image, max_side, image.close)


def of_pillow(image: Image.Image, max_side: int | None, close: Callable[[], None] = lambda: None) -> Encoded:
    """A picture that Pillow decodes, ``close`` frees it; also one that the caller has opened, and keeps."""
    stored, frames = image.size, count_frames(image)
    if max_side is not None and max(stored) > max_side:
        # Lets libjpeg decode at 1/2, 1/4 or 1/8, never below the size asked for; no effect on other formats.
        shrink = max_side / max(stored)
        image.draft(None, (max(1, int(stored[0] * shrink)), max(1, int(stored[1] * shrink))))

    def decode(lenient: bool) -> Decoded:
        try:
            _load(image, lenient)
        except BaseException:
            close()
            raise
        return Decoded(image.size, image.crop, _orientation(image), close)

    forgiving = image.format not in ("WEBP", "AVIF")
    return Encoded(stored, frames, bytes_to_decode(image, stored), forgiving, decode)


def _of_webp(image: Image.Image, file: File) -> Encoded:
    stored = image.size

    def decode(lenient: bool) -> Decoded:
        return webp.decode(_content(file), stored, _orientation(image))

    return Encoded(stored, count_frames(image), bytes_to_decode(image, stored), False, decode)


def _of_heic(file: File) -> Encoded:
    heif = require("pillow_heif", "heic").open_heif(_content(file))
    one = heif[heif.primary_index]  # libheif turns it upright by itself
    bytes_a_pixel = _HEIC_BYTES.get(one.info["bit_depth"], _HEIC_DEEP_BYTES)

    def decode(lenient: bool) -> Decoded:
        pixels = np.asarray(one)

        def cut(region: Region) -> Image.Image:
            x0, y0, x1, y1 = region
            return Image.frombytes(one.mode, (x1 - x0, y1 - y0), pixels[y0:y1, x0:x1].tobytes())

        return Decoded(one.size, cut)

    return Encoded(one.size, len(heif), bytes_a_pixel * one.size[0] * one.size[1], False, decode)


def _load(image: Image.Image, lenient: bool) -> None:
    """Decode in place.

    Pillow's ``LOAD_TRUNCATED_IMAGES`` would forgive every thread's pictures. But it changes little: a decoder
    that fails has left what it decoded in the picture, and libjpeg gives all it has once told of an end.
    """
    if lenient and isinstance(image, JpegImagePlugin.JpegImageFile):
        read, end = image.load_read, [_END_OF_JPEG]
        image.load_read = lambda size: read(size) or (end.pop() if end else b"")  # type: ignore
    try:
        image.load()
    except BROKEN:
        if not lenient or not isinstance(image, ImageFile.ImageFile):
            raise
        image.tile = []  # there is nothing more to decode
        image.load()
        if image.getbbox(alpha_only=False) is None:  # nothing had been decoded
            raise


def _orientation(image: Image.Image) -> int:
    """EXIF's; a PNG's may stand behind its pixels, so that asking for it decodes them."""
    return int(image.getexif().get(0x0112, 1))


def _content(file: File) -> bytes:
    if isinstance(file, bytes):
        return file
    if isinstance(file, str | Path):
        return Path(file).read_bytes()
    file.seek(0)
    return file.read()


def _head(file: File) -> bytes:
    if isinstance(file, str | Path):
        with Path(file).open("rb") as opened_file:
            return opened_file.read(HEAD)
    if isinstance(file, bytes):
        return file[:HEAD]
    file.seek(0)
    return file.read(HEAD)
