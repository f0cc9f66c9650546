"""What a detector is, and what all of them share: the answer, and the view of the picture they look at.

A detector answers boxes, and landmarks where it has them, in the picture's own pixels. Alignment to what
the network expects is ``crop``'s business. ``yunet`` and ``haar`` hold the two that look for faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.errors import AgeLensError
from agelens.faces.images import Pixels

DetectorName = Literal["auto", "yunet", "haar", "whole"]

#: Pixels. Detectors look at pictures reduced to this longer side.
DETECTION_SIDE = 1024

#: Share of the longer side added around the picture, so that faces cut by its edge are found.
BORDER = 0.125

#: Detections that overlap more than this (intersection over union) are one face.
OVERLAP = 0.3


class DetectorError(AgeLensError):
    """A detector whose file is missing, damaged or cannot be fetched."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A face found in a picture.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the picture; may reach over its edge.
        score: 0..1, the detector's confidence; comparable within one detector only.
        landmarks: (5, 2) pixels: right eye, left eye (the person's), nose, right and left corner of the
            mouth; (2, 2), the eyes alone; or None.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float64] | None = None

    @property
    def side(self) -> float:
        """The geometric mean of the box's sides, pixels."""
        x0, y0, x1, y1 = self.box
        return float(np.sqrt(max(0.0, x1 - x0) * max(0.0, y1 - y0)))


class Detector(Protocol):
    """Finds faces; safe to call from several threads."""

    @property
    def name(self) -> str:
        """The key of its box in a bundle's crop convention."""

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find faces in a (height, width, 3) uint8 RGB picture, the largest first."""


class WholeImage:
    """Takes the whole picture as one face: for pictures that are aligned faces already."""

    name = "whole"

    def detect(self, pixels: Pixels) -> list[Detection]:
        """One detection: the picture."""
        height, width = pixels.shape[:2]
        return [Detection((0.0, 0.0, float(width), float(height)), 1.0)]


class View:
    """A picture as detectors see it: reduced, with a border; and the way back."""

    def __init__(self, pixels: Pixels) -> None:
        longer = max(pixels.shape[:2])
        self._scale = min(1.0, DETECTION_SIDE / longer)
        self._border = round(BORDER * longer * self._scale)
        if self._scale < 1:
            height, width = (max(1, round(side * self._scale)) for side in pixels.shape[:2])
            pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        edge = (self._border,) * 4
        self.pixels: Pixels = cv2.copyMakeBorder(pixels, *edge, cv2.BORDER_CONSTANT)

    def to_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) points of the view, in pixels of the picture."""
        return (points - self._border) / self._scale


def as_box(corners: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """A box from (2, 2) corners, upper left and lower right."""
    (x0, y0), (x1, y1) = corners.tolist()
    return x0, y0, x1, y1


def in_picture(detections: list[Detection], pixels: Pixels) -> list[Detection]:
    """Those whose centre lies in the picture, the largest first."""
    height, width = pixels.shape[:2]
    inside = [
        found
        for found in detections
        if 0 <= (found.box[0] + found.box[2]) / 2 < width and 0 <= (found.box[1] + found.box[3]) / 2 < height
    ]
    return sorted(inside, key=lambda found: found.side, reverse=True)
