"""Find faces in a picture: YuNet where its file is at hand, Haar cascades always, or the whole image.

A detector answers boxes, and landmarks where it has them, in the picture's own pixels. Alignment to what
the network expects is ``crop``'s business.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.errors import AgeLensError
from agelens.images import Pixels

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


class YuNet:
    """OpenCV's YuNet (Wu et al. 2023): 230 KB, five landmarks."""

    name = "yunet"

    def __init__(self, model: Path, threshold: float = 0.7) -> None:
        """Load the network from its ONNX file.

        Raises:
            DetectorError: the file is missing or OpenCV cannot read it.
        """
        if not model.is_file():
            raise DetectorError(f"no YuNet model at {model}")
        self._model = str(model)
        self._threshold = threshold
        self._local = threading.local()  # FaceDetectorYN keeps state between calls
        self._network()

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find faces, the largest first."""
        view = _View(pixels)
        network = self._network()
        network.setInputSize((view.pixels.shape[1], view.pixels.shape[0]))
        _, rows = network.detect(cv2.cvtColor(view.pixels, cv2.COLOR_RGB2BGR))
        detections = []
        for row in np.empty((0, 15)) if rows is None else rows.astype(np.float64):
            x, y, width, height = row[:4]
            corners = view.to_picture(np.array([[x, y], [x + width, y + height]]))
            landmarks = view.to_picture(row[4:14].reshape(5, 2))
            detections.append(Detection(_as_box(corners), float(row[14]), landmarks))
        return _in_picture(detections, pixels)

    def _network(self) -> cv2.FaceDetectorYN:
        if not hasattr(self._local, "network"):
            try:
                self._local.network = cv2.FaceDetectorYN.create(
                    self._model, "", (320, 320), score_threshold=self._threshold, nms_threshold=OVERLAP
                )
            except cv2.error as error:
                raise DetectorError(f"OpenCV cannot read {self._model} as YuNet: {error.err}") from error
        return self._local.network


class Haar:
    """OpenCV's frontal-face cascade (Viola & Jones 2001), believed only where eyes are found in it.

    The cascade is always at hand but sees faces in foliage and cloth. A box without two eyes where eyes
    belong is therefore kept only if the cascade is very sure of it.
    """

    name = "haar"
    _CERTAIN = 6.0  # cascade weight above which a face needs no eyes to be believed

    def __init__(self) -> None:
        self._local = threading.local()  # a cascade keeps buffers between calls
        self._cascades()

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find faces, the largest first."""
        view = _View(pixels)
        faces, eyes = self._cascades()
        grey = cv2.equalizeHist(cv2.cvtColor(view.pixels, cv2.COLOR_RGB2GRAY))
        smallest = max(24, max(grey.shape) // 24)
        boxes, _, weights = faces.detectMultiScale3(
            grey, 1.1, 5, minSize=(smallest, smallest), outputRejectLevels=True
        )
        detections = []
        for (x, y, width, height), weight in zip(boxes, np.ravel(weights), strict=True):
            pair = _find_eyes(eyes, grey[y : y + height, x : x + width])
            if pair is None and weight < self._CERTAIN:
                continue
            corners = view.to_picture(np.array([[x, y], [x + width, y + height]], dtype=np.float64))
            landmarks = None if pair is None else view.to_picture(pair + np.array([x, y]))
            # The weight has no ceiling; this maps the usual 0..8 into 0..1.
            detections.append(Detection(_as_box(corners), float(1 / (1 + np.exp(2 - weight))), landmarks))
        return _in_picture(_without_overlaps(detections), pixels)

    def _cascades(self) -> tuple[cv2.CascadeClassifier, cv2.CascadeClassifier]:
        if not hasattr(self._local, "cascades"):
            folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
            names = ("haarcascade_frontalface_default.xml", "haarcascade_eye.xml")
            self._local.cascades = tuple(cv2.CascadeClassifier(str(folder / name)) for name in names)
            if any(cascade.empty() for cascade in self._local.cascades):
                raise DetectorError(
                    "this OpenCV carries no Haar cascades; install opencv-python-headless 4.x"
                )
        cascades: tuple[cv2.CascadeClassifier, cv2.CascadeClassifier] = self._local.cascades
        return cascades


class _View:
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


def _find_eyes(cascade: cv2.CascadeClassifier, face: Pixels) -> NDArray[np.float64] | None:
    """The two eyes in a grey face box: (2, 2) pixels, the image's left one first; or None."""
    side = face.shape[0]
    factor = 160 / side  # the cascade's eye is 20 pixels wide; this gives it detail to find
    upper = cv2.resize(face[: int(side * 0.6)], None, fx=factor, fy=factor)
    found = cascade.detectMultiScale(upper, 1.1, 4, minSize=(20, 20), maxSize=(64, 64))
    if len(found) == 0:
        return None
    eyes = np.array([[x + w / 2, y + h / 2] for x, y, w, h in found]) / factor
    left, right = eyes[eyes[:, 0] < side / 2], eyes[eyes[:, 0] >= side / 2]
    best: tuple[float, NDArray[np.float64]] | None = None
    for one in left:
        for other in right:
            across, down = (other - one) / side
            tilt = abs(np.degrees(np.arctan2(down, across)))
            if not 0.25 < across < 0.65 or tilt > 25:
                continue
            # Eyes lie some 0.4 box sides apart and 0.38 below its top.
            doubt = abs(across - 0.4) + abs((one[1] + other[1]) / 2 / side - 0.38) + tilt / 90
            if best is None or doubt < best[0]:
                best = doubt, np.array([one, other])
    return None if best is None else best[1]


def _as_box(corners: NDArray[np.float64]) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = corners.tolist()
    return x0, y0, x1, y1


def _in_picture(detections: list[Detection], pixels: Pixels) -> list[Detection]:
    """Those whose centre lies in the picture, the largest first."""
    height, width = pixels.shape[:2]
    inside = [
        found
        for found in detections
        if 0 <= (found.box[0] + found.box[2]) / 2 < width and 0 <= (found.box[1] + found.box[3]) / 2 < height
    ]
    return sorted(inside, key=lambda found: found.side, reverse=True)


def _without_overlaps(detections: list[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for found in sorted(detections, key=lambda found: found.score, reverse=True):
        if all(_overlap(found, other) <= OVERLAP for other in kept):
            kept.append(found)
    return kept


def _overlap(one: Detection, other: Detection) -> float:
    """Intersection over union, or over the smaller box where one lies in the other."""
    ax0, ay0, ax1, ay1 = one.box
    bx0, by0, bx1, by1 = other.box
    shared = max(0.0, min(ax1, bx1) - max(ax0, bx0)) * max(0.0, min(ay1, by1) - max(ay0, by0))
    smaller = min((ax1 - ax0) * (ay1 - ay0), (bx1 - bx0) * (by1 - by0))
    return shared / smaller if smaller > 0 else 0.0
