"""Open an image safely.

Whatever comes in (rotated by EXIF, palette, CMYK, 16-bit, animated, huge), what goes on is upright
8-bit RGB. A file that is no image, is cut short, or would unfold into too much memory is an error.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from agelens.errors import ImageError, MissingExtraError
from agelens.faces.bands import Decoded, Pixels, Region, upright_size
from agelens.faces.decoding import BROKEN, FORMATS, Encoded, UnknownFormatError, of_pillow, opened
from agelens.faces.memory import BYTES_A_PIXEL, Budget, Unbounded

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "MAX_SIDE",
    "Part",
    "Picture",
    "Pixels",
    "Source",
    "open_image",
    "open_regions",
]

Source = str | Path | bytes | IO[bytes] | Image.Image | Pixels

MAX_PIXELS = (
    178_956_970  # larger pictures, over 700 MB in Pillow's memory, are refused as decompression bombs
)
MAX_SIDE = 2048  # pixels; pictures with a longer side are reduced, JPEG already while decoding


@dataclass(frozen=True, slots=True)
class Picture:
    """An opened image.

    Attributes:
        pixels: (height, width, 3) uint8 RGB, upright, perhaps reduced.
        width, height: of the original, upright, in pixels.
        frames: how many frames or pages the file holds; the first of them was read.
    """

    pixels: Pixels
    width: int
    height: int
    frames: int = 1

    @property
    def scale(self) -> float:
        """Pixels of ``pixels`` per original pixel: 1 unless the picture was reduced."""
        return self.pixels.shape[1] / self.width


def open_image(
    source: Source,
    max_side: int | None = MAX_SIDE,
    *,
    enough: int | None = None,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
    lenient: bool = False,
    budget: Budget = Unbounded(),
) -> Picture:
    """Open a path, bytes, a binary file, a Pillow image or an array, as upright 8-bit RGB.

    Args:
        source: arrays are (height, width) or (height, width, 1 | 3 | 4) uint8, RGB order.
        max_side: reduce the picture so that its longer side is at most this; None keeps every pixel.
        enough: a longer side that will do, less than ``max_side``: a JPEG is decoded at the smallest scale
            that has it, which takes a fraction of the time.
        max_pixels: refuse files that would unfold into more. Four bytes are reckoned for each: what a decoder
            needs more memory for (AVIF, progressive JPEG) may have fewer pixels.
        name: what errors call the image; None for its path.
        lenient: read a file whose last bytes are missing, where its decoder gives the rest: JPEG, PNG, GIF,
            BMP, TIFF and PPM. What is missing stays black or grey.
        budget: memory for decoding, shared with pictures that are opened at the same time.

    Raises:
        ImageError: it is missing, no image, truncated, empty, or too large to be safe.
    """
    options: dict[str, Any] = {"max_pixels": max_pixels, "name": name, "lenient": lenient, "budget": budget}
    with _decoded(source, enough or max_side, **options) as (encoded, decoded):
        size = upright_size(encoded.size, decoded.orientation)
        return Picture(decoded.to_rgb(max_side), *size, encoded.frames)


class Part(NamedTuple):
    """A region of a picture.

    Attributes:
        pixels: (height, width, 3) uint8 RGB.
        x, y: where its upper left corner lies, in pixels of the upright original.
        scale: pixels of ``pixels`` per original pixel: 1 unless it was reduced while it was decoded.
    """

    pixels: Pixels
    x: float
    y: float
    scale: float


def open_regions(
    source: Source,
    regions: Sequence[Region],
    *,
    enough: int | None = None,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
    lenient: bool = False,
    budget: Budget = Unbounded(),
) -> Iterator[Part]:
    """Regions of an image, one by one: x0, y0, x1, y1 in pixels of the upright original.

    They come at full resolution; or, where a longer side of the whole picture is ``enough``, perhaps reduced.
    Options and errors are those of ``open_image``. The picture is held as its decoder gave it, until the end.
    """
    options: dict[str, Any] = {"max_pixels": max_pixels, "name": name, "lenient": lenient, "budget": budget}
    with _decoded(source, enough, **options) as (encoded, decoded):
        width, height = upright_size(decoded.size, decoded.orientation)
        scale = width / upright_size(encoded.size, decoded.orientation)[0]
        for x0, y0, x1, y1 in regions:
            left, top = (max(0, math.floor(value * scale)) for value in (x0, y0))
            right, bottom = min(width, math.ceil(x1 * scale)), min(height, math.ceil(y1 * scale))
            yield Part(decoded.region((left, top, right, bottom)), left / scale, top / scale, scale)


def resize_to_square(pixels: Pixels, size: int) -> Pixels:
    """Resize a whole picture to (size, size, 3), averaging where it has pixels to spare."""
    shrinks = min(pixels.shape[:2]) >= size
    return cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


@contextmanager
def _decoded(
    source: Source,
    max_side: int | None,
    *,
    max_pixels: int,
    name: str | None,
    lenient: bool,
    budget: Budget,
) -> Iterator[tuple[Encoded, Decoded]]:
    """A picture, decoded within the limits; whatever fails is an ``ImageError`` that names it."""
    name = name or (str(source) if isinstance(source, str | Path) else "the image")
    advice = ""
    try:
        with _header(source, max_side) as encoded:
            _check_size(encoded, max_pixels)
            if encoded.forgiving and not lenient:
                advice = "; the option 'lenient' reads what there is of it"
            with budget.held(encoded.cost, decoding=True):
                decoded = encoded.decode(lenient)
                try:
                    yield encoded, decoded
                finally:
                    decoded.free()  # before another picture takes its room
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    except MissingExtraError:
        needs = "is a HEIC picture, which needs the 'heic' extra: pip install 'agelens[heic]'"
        raise ImageError(f"{name}: {needs}") from None
    except UnknownFormatError as error:
        raise ImageError(f"{name}: {_why_unknown(source, error)}") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: refused as a decompression bomb: {error}") from None
    except MemoryError:
        raise ImageError(f"{name}: there is not enough memory to decode it") from None
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # the system's, not a decoder's
            raise ImageError(f"{name}: cannot be read: {str(error.strerror).lower()}") from error
        raise ImageError(f"{name}: cannot be decoded, perhaps cut short: {error}{advice}") from error


@contextmanager
def _header(source: Source, max_side: int | None) -> Iterator[Encoded]:
    if isinstance(source, np.ndarray):
        source = _from_array(source)
    if isinstance(source, Image.Image):
        yield of_pillow(source, None)  # decoded at a smaller scale, the caller's own image would stay so
        return
    if isinstance(source, str | Path):
        _check_file(source)
    with opened(source, max_side) as encoded:
        yield encoded


def _check_size(encoded: Encoded, max_pixels: int) -> None:
    (width, height), limit = encoded.size, f"{max_pixels / 1e6:.0f} million"
    if width * height > max_pixels:
        raise ImageError(f"{width} x {height} pixels is over the limit of {limit}; reduce it first")
    if encoded.cost > BYTES_A_PIXEL * max_pixels:
        takes = f"{width} x {height} pixels in this coding take {encoded.cost / 1e6:.0f} MB to decode"
        raise ImageError(f"{takes}, over those of {limit} plain ones; reduce it or save it as another format")


def _check_file(path: str | Path) -> None:
    """Refuse what is no file before it is opened: a pipe would be waited for, and devices have no end."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        where = f": it is a link to {os.readlink(path)}, which is not there" if os.path.islink(path) else ""
        raise ImageError(f"no such file{where}") from None
    except ValueError:  # a NUL in it
        raise ImageError("no such file") from None
    if stat.S_ISDIR(mode):
        raise ImageError("is a folder, not an image")
    if not stat.S_ISREG(mode):
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise ImageError(f"is {kind}, not a file")


def _from_array(array: Pixels) -> Image.Image:
    if array.dtype != np.uint8 or array.size == 0:
        raise ImageError(f"an image array must be uint8 and not empty, not {array.dtype} {array.shape}")
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[-1] in (1, 3, 4)):
        raise ImageError(f"an image array is (height, width) or (height, width, 1|3|4), not {array.shape}")
    grey = array.ndim == 3 and array.shape[-1] == 1
    return Image.fromarray(np.ascontiguousarray(array[..., 0] if grey else array))


def _why_unknown(source: Source, error: UnknownFormatError) -> str:
    if (kind := error.kind) is not None:
        if kind.read:
            return f"cannot be decoded, perhaps cut short: it begins as {kind.phrase}"
        return f"is not an image in a known format: it is {kind.phrase}; {kind.advice}"
    if isinstance(source, bytes):
        why = f"{len(source)} bytes" if source else "no bytes"
    elif isinstance(source, str | Path) and os.stat(source).st_size == 0:
        why = "the file is empty"
    else:
        why = "the content is not an image"
    return f"is not an image in a known format ({why})"
