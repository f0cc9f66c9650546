"""What a detector is, and what all of them share: the answer, and the view of the picture they look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.faces.boxes import Box, area, centre
from agelens.faces.images import Pixels

DetectorName = Literal["auto", "yunet", "haar", "whole"]

DETECTION_SIDE = 1024  # pixels; detectors look at pictures reduced to this longer side
BORDER = 0.125  # share of the longer side added around the picture, so that faces cut by its edge are found


@dataclass(frozen=True, slots=True)
class Detection:
    """A face found in a picture.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the picture; may reach over its edge.
        score: 0..1, the detector's confidence; comparable within one detector only.
        landmarks: (5, 2) pixels: right eye, left eye (the person's), nose, right and left corner of the
            mouth; (2, 2), the eyes alone; or None.
    """

    box: Box
    score: float
    landmarks: NDArray[np.float64] | None = None

    @property
    def side(self) -> float:
        """The geometric mean of the box's sides, pixels."""
        return float(np.sqrt(area(self.box)))

    def moved(self, across: float = 0.0, down: float = 0.0, *, scale: float = 1.0) -> Detection:
        """The same face in a picture that is scaled, and then shifted by so many pixels."""
        x0, y0, x1, y1 = (scale * value for value in self.box)
        box = (x0 + across, y0 + down, x1 + across, y1 + down)
        landmarks = None if self.landmarks is None else scale * self.landmarks + (across, down)
        return Detection(box, self.score, landmarks)


def bytes_to_detect(pixels: Pixels) -> float:
    """What the greediest detector, YuNet, takes for a picture: some of each pixel of its view, bytes."""
    height, width = pixels.shape[:2]
    scale = min(1.0, DETECTION_SIDE / max(height, width)) * (1 + 2 * BORDER)
    return 56 * (height * scale + 32) * (width * scale + 32)


class Detector(Protocol):
    """Finds faces; safe to call from several threads."""

    @property
    def name(self) -> str:
        """Its name, the key of its box in a bundle's crop convention; any name where it gives landmarks."""

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
    """A picture as detectors see it, reduced and with a black border, and the way back.

    Attributes:
        pixels: (view height, view width, 3) uint8 RGB; the longer side is at most 1,280, border included.
    """

    def __init__(self, pixels: Pixels) -> None:
        """Reduce a (height, width, 3) uint8 RGB picture and add the border."""
        longer = max(pixels.shape[:2])
        self._scale = min(1.0, DETECTION_SIDE / longer)
        self._border = round(BORDER * longer * self._scale)
        if self._scale < 1:
            height, width = (max(1, round(side * self._scale)) for side in pixels.shape[:2])
            pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        self.pixels: Pixels = cv2.copyMakeBorder(pixels, *(self._border,) * 4, cv2.BORDER_CONSTANT)

    def to_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert points from pixels of the view to pixels of the picture: (n, 2) -> (n, 2)."""
        return (points - self._border) / self._scale

    def box(self, x: float, y: float, width: float, height: float) -> Box:
        """The box in the picture of one in the view, told by its upper left corner and its size."""
        (x0, y0), (x1, y1) = self.to_picture(np.array([[x, y], [x + width, y + height]], float)).tolist()
        return x0, y0, x1, y1


def in_picture(detections: list[Detection], pixels: Pixels) -> list[Detection]:
    """Keep the detections whose centre lies in the picture, the largest first."""
    height, width = pixels.shape[:2]

    def inside(found: Detection) -> bool:
        x, y = centre(found.box)
        return 0 <= x < width and 0 <= y < height

    return sorted(filter(inside, detections), key=lambda found: found.side, reverse=True)
