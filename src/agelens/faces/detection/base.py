"""What a detector is, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from agelens.faces.boxes import Box, area, centre
from agelens.faces.images import Pixels

DetectorName = Literal["auto", "yunet", "haar", "whole"]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face found in a picture.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the picture; may reach over its edge.
        score: 0..1, the detector's confidence; comparable within one detector only.
        landmarks: (5, 2) pixels: right eye, left eye (the person's), nose, right and left corner of the
            mouth; (2, 2), the eyes alone; or None.
        turn: quarter turns, clockwise, by which the face is turned in the picture.
    """

    box: Box
    score: float
    landmarks: NDArray[np.float64] | None = None
    turn: int = 0

    @property
    def side(self) -> float:
        """The geometric mean of the box's sides, pixels."""
        return float(np.sqrt(area(self.box)))

    def moved(self, across: float = 0.0, down: float = 0.0, *, scale: float = 1.0) -> Detection:
        """The same face in a picture that is scaled, and then shifted by so many pixels."""
        x0, y0, x1, y1 = (scale * value for value in self.box)
        box = (x0 + across, y0 + down, x1 + across, y1 + down)
        landmarks = None if self.landmarks is None else scale * self.landmarks + (across, down)
        return replace(self, box=box, landmarks=landmarks)

    def turned_back(self, turns: int, width: int, height: int) -> Detection:
        """The face of a picture after quarter turns, counter-clockwise, in the picture before them.

        ``width`` and ``height`` are those before the turns, pixels.
        """
        if turns % 4 == 0:
            return self
        points = np.reshape(self.box, (2, 2))
        if self.landmarks is not None:
            points = np.concatenate([points, self.landmarks])
        x, y = points.T
        match turns % 4:
            case 1:
                points = np.stack([width - y, x], axis=1)
            case 2:
                points = np.stack([width - x, height - y], axis=1)
            case 3:
                points = np.stack([y, height - x], axis=1)
        (x0, y0), (x1, y1) = points[:2].min(axis=0).tolist(), points[:2].max(axis=0).tolist()
        landmarks = None if self.landmarks is None else points[2:]
        return Detection((x0, y0, x1, y1), self.score, landmarks, (self.turn + turns) % 4)


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


def in_picture(detections: list[Detection], pixels: Pixels) -> list[Detection]:
    """Keep the detections whose centre lies in the picture, the largest first."""
    height, width = pixels.shape[:2]

    def inside(found: Detection) -> bool:
        x, y = centre(found.box)
        return 0 <= x < width and 0 <= y < height

    return sorted(filter(inside, detections), key=lambda found: found.side, reverse=True)
