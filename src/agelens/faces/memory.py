"""What a picture takes in memory while it is decoded, said by its header before anything is unfolded.

Pillow holds four bytes for each pixel of colour. Some decoders hold more beside that: all coefficients of a
progressive JPEG, the planes of an AVIF, the only strip of a TIFF. A test measures each kind and holds the
figures.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image, JpegImagePlugin

#: Bytes that a pixel of the limit stands for: those of Pillow's RGB. What takes more may have fewer pixels.
BYTES_A_PIXEL = 4

#: Bytes a pixel of the modes that take less.
_SMALL_MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}

#: Bytes a pixel of whole decoders, the picture that they give included.
_AVIF, _WEBP, _PYTHON = 13, 8, 12

#: Pillow's decoders that are written in Python and build a whole picture beside the one they fill.
_PYTHON_DECODERS = frozenset({"ppm", "ppm_plain", "bmp_rle"})


class Budget:
    """Bytes that pictures in work side by side may hold together; whoever comes later waits.

    Attributes:
        relieve: called before a large picture is decoded; may free what is kept for later use.
    """

    def __init__(self, size: float) -> None:
        self.relieve: Callable[[], None] = lambda: None
        self._size, self._held = size, 0.0
        self._freed = threading.Condition()

    @contextmanager
    def held(self, size: float, *, decoding: bool = False) -> Iterator[None]:
        """Hold so many bytes, once there is room; what is over the whole budget is held alone."""
        with self._freed:
            self._freed.wait_for(lambda: self._held == 0 or self._held + size <= self._size)
            self._held += size
        try:
            if decoding and size > self._size / 4:
                self.relieve()
            yield
        finally:
            with self._freed:
                self._held -= size
                self._freed.notify_all()


class Unbounded(Budget):
    """A budget that holds up nobody."""

    def __init__(self) -> None:
        super().__init__(math.inf)


def bytes_to_decode(image: Image.Image, size: tuple[int, int]) -> float:
    """What it takes to decode an opened picture, bytes.

    Args:
        image: opened and, if it is to be reduced while it is decoded, drafted.
        size: width and height as stored, pixels.
    """
    stored = size[0] * size[1]
    held = _SMALL_MODES.get(image.mode, 4) * image.width * image.height
    if image.format in ("AVIF", "WEBP"):
        return (_AVIF if image.format == "AVIF" else _WEBP) * stored
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        return held + (0 if _in_one_scan(image) else _coefficients(image) * stored)
    if image.format == "TIFF":
        return held + _strip(image)
    decoders = {tile[0] for tile in getattr(image, "tile", ())}
    return _PYTHON * stored if decoders & _PYTHON_DECODERS else held


def _coefficients(image: JpegImagePlugin.JpegImageFile) -> float:
    """The coefficients of a JPEG in several scans, bytes a pixel: two each, all held until the last scan."""
    samplings = [(across, down) for _, across, down, _ in image.layer]
    most = max(across for across, _ in samplings) * max(down for _, down in samplings)
    return 2 * sum(across * down for across, down in samplings) / max(most, 1)


def _in_one_scan(image: JpegImagePlugin.JpegImageFile) -> bool:
    """Whether the first scan has all components of a sequential JPEG, so that no coefficient is kept.

    Pillow's file stands behind the scan's header; where it does not, the answer is the careful one.
    """
    if "progressive" in image.info or image.fp is None:
        return False
    here, length = image.fp.tell(), 6 + 2 * image.layers
    if here < length:
        return False
    image.fp.seek(here - length)
    head = image.fp.read(3)
    image.fp.seek(here)
    return head == bytes([0, length, image.layers])


def _strip(image: Image.Image) -> float:
    """A strip or tile of a compressed TIFF, which is held whole beside the picture, bytes."""
    from PIL import TiffImagePlugin

    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    tags = image.tag_v2
    if tags.get(TiffImagePlugin.COMPRESSION, 1) == 1:
        return 0
    width = tags.get(TiffImagePlugin.TILEWIDTH, image.width)
    height = tags.get(TiffImagePlugin.TILELENGTH, tags.get(TiffImagePlugin.ROWSPERSTRIP, image.height))
    bits = max(32, sum(tags.get(TiffImagePlugin.BITSPERSAMPLE, (8,))))
    return float(width * min(height, image.height) * bits / 8)
