"""What detectors look at: a picture, or a part of it, reduced and with a border; and the way back."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.faces.boxes import Box
from agelens.faces.detection.base import Detection
from agelens.faces.images import Pixels


class View:
    """A picture as a detector sees it.

    Attributes:
        pixels: (view height, view width, 3) uint8 RGB, black along its border.
    """

    def __init__(self, pixels: Pixels, scale: float, border: int = 0) -> None:
        """Scale a (height, width, 3) uint8 RGB picture, and add a border of so many pixels.

        With a border, faces that the picture's edge cuts are found.
        """
        height, width = pixels.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        self._border, self._scales = border, np.array([size[0] / width, size[1] / height])
        if size != (width, height):
            # Down to a half, all pixels have their weight without the slow averaging of areas.
            how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
            pixels = cv2.resize(pixels, size, interpolation=how)
        if border:
            pixels = cv2.copyMakeBorder(pixels, *(border,) * 4, cv2.BORDER_CONSTANT)
        self.pixels: Pixels = np.ascontiguousarray(pixels)

    def to_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert points from pixels of the view to pixels of the picture: (n, 2) -> (n, 2)."""
        return (points - self._border) / self._scales

    def in_picture(self, face: Detection) -> Detection:
        """A face found in the view, in pixels of the picture."""
        landmarks = None if face.landmarks is None else self.to_picture(face.landmarks)
        return replace(face, box=self.box(face.box), landmarks=landmarks)

    def box(self, box: Box) -> Box:
        """A box in pixels of the view, in pixels of the picture."""
        (x0, y0), (x1, y1) = self.to_picture(np.reshape(box, (2, 2))).tolist()
        return x0, y0, x1, y1


def tiles(width: int, height: int, most: int, shared: int) -> list[tuple[int, int, int, int]]:
    """Parts x0, y0, x1, y1 of a picture, at most ``most`` pixels wide and high.

    Neighbours share at least ``shared`` pixels, so that a face at the edge of one lies whole in another.
    """

    def spans(length: int) -> list[tuple[int, int]]:
        if length <= most:
            return [(0, length)]
        count = -(-(length - shared) // (most - shared))
        starts = np.linspace(0, length - most, count).astype(int).tolist()
        return [(start, start + most) for start in starts]

    return [(x0, y0, x1, y1) for y0, y1 in spans(height) for x0, x1 in spans(width)]
