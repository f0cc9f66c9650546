"""Open an image safely.

Whatever comes in (rotated by EXIF, palette, CMYK, 16-bit, animated, huge), what goes on is upright
8-bit RGB. A file that is no image, is cut short, or would unfold into too much memory is an error.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,  # noqa: F401 - importing a plugin registers its decoder
    Image,
    ImageOps,
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from agelens.errors import ImageError

Pixels = NDArray[np.uint8]
Source = str | Path | bytes | IO[bytes] | Image.Image | Pixels

#: The decoders allowed, where this Pillow has them. Others are not safe: EPS would start a program.
_WANTED = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "AVIF")
Image.preinit()
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)

MAX_PIXELS = 178_956_970  # larger pictures, over 540 MB as an RGB array, are refused as decompression bombs
MAX_SIDE = 2048  # pixels; pictures with a longer side are reduced, JPEG already while decoding


@dataclass(frozen=True, slots=True)
class Picture:
    """An opened image.

    Attributes:
        pixels: (height, width, 3) uint8 RGB, upright, perhaps reduced.
        width, height: of the original, upright, in pixels.
    """

    pixels: Pixels
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels of ``pixels`` per original pixel: 1 unless the picture was reduced."""
        return self.pixels.shape[1] / self.width


def open_image(
    source: Source, max_side: int | None = MAX_SIDE, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Picture:
    """Open a path, bytes, a binary file, a Pillow image or an array, as upright 8-bit RGB.

    Args:
        source: arrays are (height, width) or (height, width, 1 | 3 | 4) uint8, RGB order.
        max_side: reduce the picture so that its longer side is at most this; None keeps every pixel.
        max_pixels: refuse files that would unfold into more.
        name: what errors call the image; None for its path.

    Raises:
        ImageError: it is missing, no image, truncated, empty, or too large to be safe.
    """
    name = name or (str(source) if isinstance(source, str | Path) else "the image")
    if isinstance(source, np.ndarray):
        image = _from_array(source)
        return _finish(image, image.size, max_side)
    if isinstance(source, Image.Image):
        return _decode(source, name, max_side, max_pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # size and corruption are judged below
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            with Image.open(file, formats=FORMATS) as image:
                return _decode(image, name, max_side, max_pixels)
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{name}: is a folder, not an image") from None
    except UnidentifiedImageError:
        raise ImageError(f"{name}: is not an image in a known format ({_why_unknown(source)})") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: refused as a decompression bomb: {error}") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, MemoryError, OverflowError) as error:
        raise ImageError(f"{name}: cannot be decoded, perhaps cut short: {error}") from error


def resize_to_square(pixels: Pixels, size: int) -> Pixels:
    """Resize a whole picture to (size, size, 3), averaging where it has pixels to spare."""
    shrinks = min(pixels.shape[:2]) >= size
    return cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _decode(image: Image.Image, name: str, max_side: int | None, max_pixels: int) -> Picture:
    width, height = image.size
    if width * height > max_pixels:
        limit = f"{max_pixels / 1e6:.0f} million"
        raise ImageError(f"{name}: {width} x {height} pixels is over the limit of {limit}; reduce it first")
    orientation = image.getexif().get(0x0112, 1)
    upright = (height, width) if orientation in (5, 6, 7, 8) else (width, height)
    if max_side is not None and max(width, height) > max_side:
        # Lets libjpeg decode at 1/2, 1/4 or 1/8, never below the size asked for; no effect on other formats.
        shrink = max_side / max(width, height)
        image.draft(None, (max(1, int(width * shrink)), max(1, int(height * shrink))))
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    image.load()
    return _finish(_to_rgb(ImageOps.exif_transpose(image)), upright, max_side)


def _finish(image: Image.Image, size: tuple[int, int], max_side: int | None) -> Picture:
    if max_side is not None and max(image.size) > max_side:
        factor = max_side / max(image.size)
        smaller = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        image = image.resize(smaller, Image.Resampling.BOX, reducing_gap=2.0)
    return Picture(np.array(image, dtype=np.uint8), *size)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float64)
        # 16-bit greyscale arrives in 'I' as well; only values beyond 8 bits ask for scaling.
        ceiling = 255.0 if values.max(initial=0) <= 255 else 65535.0
        return Image.fromarray(np.clip(values * (255.0 / ceiling), 0, 255).astype(np.uint8)).convert("RGB")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_array(array: Pixels) -> Image.Image:
    if array.dtype != np.uint8 or array.size == 0:
        raise ImageError(f"an image array must be uint8 and not empty, not {array.dtype} {array.shape}")
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[-1] in (1, 3, 4)):
        raise ImageError(f"an image array is (height, width) or (height, width, 1|3|4), not {array.shape}")
    grey = array.ndim == 3 and array.shape[-1] == 1
    return _to_rgb(Image.fromarray(np.ascontiguousarray(array[..., 0] if grey else array)))


def _why_unknown(source: object) -> str:
    if isinstance(source, bytes):
        return "no bytes" if not source else f"{len(source)} bytes"
    if isinstance(source, str | Path) and Path(source).stat().st_size == 0:
        return "the file is empty"
    return "the content is not an image"
