"""From any mode to 8-bit RGB, reduced and upright, a band of rows at a time.

Pillow converts whole pictures, and each conversion is another whole picture in memory. Here a few rows are
converted, laid over white where they are transparent, and averaged down; only the result is held whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

#: Pixels of the decoded picture that are converted at once.
_BAND = 2**18

#: By EXIF orientation: whether the stored picture is transposed, and then flipped across and down.
_TURNS = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
_AS_STORED = (False, False, False)

Region = tuple[int, int, int, int]


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Decoded:
    """A decoded picture, in whatever mode, as its decoder holds it.

    Attributes:
        size: width and height, pixels; less than the original's where the decoder has reduced it.
        cut: gives the pixels of a region x0, y0, x1, y1.
        orientation: EXIF's, 1..8: how ``cut``'s pixels are to be turned.
        close: frees what ``cut`` leaves behind.
    """

    size: tuple[int, int]
    cut: Callable[[Region], Image.Image]
    orientation: int = 1
    close: Callable[[], None] = _nothing

    def to_rgb(self, max_side: int | None) -> Pixels:
        """The whole picture, upright, its longer side at most ``max_side``: (height, width, 3) uint8 RGB."""
        width, height = self.size
        factor = 1.0 if max_side is None else min(1.0, max_side / max(self.size))
        across, down = max(1, round(width * factor)), max(1, round(height * factor))
        pixels = np.empty((down, across, 3), np.uint8)
        convert = self._converter()
        step, scale = max(1, int(_BAND * down / (width * height))), height / down
        for top in range(0, down, step):
            bottom = min(down, top + step)
            start, end = int(top * scale), min(height, int(np.ceil(bottom * scale)))
            band = convert(self.cut((0, start, width, end)))
            if (across, down) != self.size:
                box = (0, top * scale - start, width, min(bottom * scale, height) - start)
                band = band.resize((across, bottom - top), Image.Resampling.BOX, box)
            pixels[top:bottom] = np.asarray(band)
        return _upright(pixels, self.orientation)

    def region(self, box: Region) -> Pixels:
        """A region of the upright picture, x0, y0, x1, y1 pixels, within it: (height, width, 3) uint8 RGB."""
        (width, height), (x0, y0, x1, y1) = upright_size(self.size, self.orientation), box
        transposed, across, down = _TURNS.get(self.orientation, _AS_STORED)
        if across:
            x0, x1 = width - x1, width - x0
        if down:
            y0, y1 = height - y1, height - y0
        stored = (y0, x0, y1, x1) if transposed else (x0, y0, x1, y1)
        return _upright(np.asarray(self._converter()(self.cut(stored))), self.orientation)

    def free(self) -> None:
        """Let go of the memory, whoever still holds this object."""
        del self.cut
        self.close()

    def _converter(self) -> Callable[[Image.Image], Image.Image]:
        """What makes RGB of the picture's parts, each on the scale of the whole."""
        sample = self.cut((0, 0, 1, 1))
        if not _is_deep(sample.mode):
            return _converted
        width, height = self.size
        rows = max(1, _BAND // width)
        tops = range(0, height, rows)
        bands = (self.cut((0, top, width, min(height, top + rows))) for top in tops)
        ceiling = _ceiling(max(_largest(band) for band in bands), sample.mode)
        return lambda image: _flattened(image, ceiling)


def upright_size(stored: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height, pixels, of a picture of this EXIF orientation once it stands upright."""
    transposed, _, _ = _TURNS.get(orientation, _AS_STORED)
    return stored[::-1] if transposed else stored


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    transposed, across, down = _TURNS.get(orientation, _AS_STORED)
    turned = pixels.swapaxes(0, 1) if transposed else pixels
    return np.ascontiguousarray(turned[:: -1 if down else 1, :: -1 if across else 1])


def _converted(image: Image.Image) -> Image.Image:
    """8-bit modes as RGB; what is transparent becomes white."""
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_deep(mode: str) -> bool:
    return mode.startswith("I;16") or mode in ("I", "F")


def _largest(image: Image.Image) -> float:
    values = np.asarray(image)
    return float(np.nanmax(values, initial=0, where=np.isfinite(values)))


def _ceiling(largest: float, mode: str) -> float:
    """The value of white: floats may reach 1, and only values beyond 8 bits ask for 16."""
    if mode == "F" and 0 < largest <= 1:
        return 1.0
    return 255.0 if largest <= 255 else 65535.0


def _flattened(image: Image.Image, ceiling: float) -> Image.Image:
    """Deep grey as 8 bits."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), nan=0.0)
    return Image.fromarray(np.clip(values * (255.0 / ceiling), 0, 255).astype(np.uint8)).convert("RGB")
