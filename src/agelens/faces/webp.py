"""WebP at half the memory: without the canvases that Pillow's animation decoder holds beside the picture.

OpenCV decodes a still WebP straight into its pixels. Of an animation, the first frame is lifted out and made
a still (WebP Container Specification, RFC 9649, section 2.7).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
from PIL import Image

from agelens.faces.bands import Decoded, Pixels, Region

#: A frame's header: x and y (halved), width and height (less one), duration, of 24 bits each, and flags.
_FRAME_HEADER = 16

#: Chunks looked through for the first frame: profiles and metadata may stand before it, and little else.
_MOST_CHUNKS = 64


def decode(data: bytes, size: tuple[int, int], orientation: int) -> Decoded:
    """Decode a WebP, or the first frame of an animated one.

    Args:
        data: the file.
        size: width and height of its canvas, pixels.
        orientation: EXIF's, 1..8.

    Raises:
        ValueError: it cannot be decoded.
    """
    still, corner = _first_frame(data)
    pixels = cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("the WebP data is broken")
    height, width = pixels.shape[:2]
    whole = (corner, (width, height)) == ((0, 0), size)
    if not whole and (corner[0] + width > size[0] or corner[1] + height > size[1]):
        raise ValueError("its first frame reaches beyond its canvas")

    def cut(region: Region) -> Image.Image:
        x0, y0, x1, y1 = region
        if whole:
            return _as_image(pixels[y0:y1, x0:x1])
        canvas = Image.new("RGBA", (x1 - x0, y1 - y0))
        left, top = corner
        part = pixels[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)]
        if part.size:
            canvas.paste(_as_image(part), (max(0, left - x0), max(0, top - y0)))
        return canvas

    return Decoded(size, cut, orientation)


def _as_image(pixels: Pixels) -> Image.Image:
    code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return Image.fromarray(cv2.cvtColor(np.ascontiguousarray(pixels), code))


def _first_frame(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """A still's bytes, or those of an animation's first frame as a still; and its corner on the canvas."""
    chunks = islice(_chunks(memoryview(data)[12:]), _MOST_CHUNKS)
    frame = next((content for name, content in chunks if name == b"ANMF"), None)
    if frame is None:
        return data, (0, 0)
    head, body = bytes(frame[:_FRAME_HEADER]), bytes(frame[_FRAME_HEADER:])
    if any(name == b"ALPH" for name, _ in islice(_chunks(frame[_FRAME_HEADER:]), _MOST_CHUNKS)):
        body = b"VP8X" + struct.pack("<II", 10, 0x10) + head[6:12] + body  # alone, it would say no alpha
    still = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    return still, (2 * int.from_bytes(head[:3], "little"), 2 * int.from_bytes(head[3:6], "little"))


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    while len(data) >= 8:
        size = int.from_bytes(data[4:8], "little")
        yield bytes(data[:4]), data[8 : 8 + size]
        data = data[8 + size + size % 2 :]
