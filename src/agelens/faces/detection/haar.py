"""OpenCV's Haar cascades: always at hand, and weak; used where YuNet's file cannot be had."""

from __future__ import annotations

import threading
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.errors import DetectorError
from agelens.faces.detection.base import Detection, in_picture
from agelens.faces.detection.views import View
from agelens.faces.images import Pixels


class Haar:
    """OpenCV's frontal-face cascade (Viola & Jones 2001), which sees faces in foliage and cloth.

    A box without two eyes where eyes belong is therefore kept only if the cascade is very sure of it.
    """

    name = "haar"
    _SIDE = 1024  # pixels; pictures are looked at reduced to this longer side
    _BORDER = 0.125  # share of it, added around the picture
    _CERTAIN = 6.0  # cascade weight above which a face needs no eyes to be believed

    def __init__(self) -> None:
        self._local = threading.local()  # a cascade keeps buffers between calls
        self._cascades()

    def release(self) -> None:
        """Give back the memory that the cascades keep for their next picture; they are loaded again."""
        self._local = threading.local()

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find faces in a (height, width, 3) uint8 RGB picture, the largest first."""
        longer = max(pixels.shape[:2])
        scale = min(1.0, self._SIDE / longer)
        view = View(pixels, scale, round(self._BORDER * longer * scale))
        faces, eyes = self._cascades()
        grey = cv2.equalizeHist(cv2.cvtColor(view.pixels, cv2.COLOR_RGB2GRAY))
        smallest = max(24, max(grey.shape) // 24)
        # The cascade groups hits that overlap, so that each face comes once.
        boxes, _, weights = faces.detectMultiScale3(
            grey, 1.1, 5, minSize=(smallest, smallest), outputRejectLevels=True
        )
        detections = []
        for (x, y, width, height), weight in zip(boxes, np.ravel(weights), strict=True):
            pair = _find_eyes(eyes, grey[y : y + height, x : x + width])
            if pair is None and weight < self._CERTAIN:
                continue
            landmarks = None if pair is None else view.to_picture(pair + np.array([x, y]))
            # The weight has no ceiling; this maps the usual 0..8 into 0..1.
            score = float(1 / (1 + np.exp(2 - weight)))
            detections.append(Detection(view.box((x, y, x + width, y + height)), score, landmarks))
        return in_picture(detections, pixels)

    def _cascades(self) -> tuple[cv2.CascadeClassifier, cv2.CascadeClassifier]:
        local = self._local  # another thread may release it meanwhile
        if not hasattr(local, "cascades"):
            folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
            names = ("haarcascade_frontalface_default.xml", "haarcascade_eye.xml")
            local.cascades = tuple(cv2.CascadeClassifier(str(folder / name)) for name in names)
            if any(cascade.empty() for cascade in local.cascades):
                raise DetectorError(
                    "this OpenCV carries no Haar cascades; install opencv-python-headless 4.x"
                )
        return local.cascades


def _find_eyes(cascade: cv2.CascadeClassifier, face: Pixels) -> NDArray[np.float64] | None:
    """Find the two eyes in a grey face box: (2, 2) pixels, the one on the image's left first; or None."""
    side = face.shape[0]
    factor = 160 / side  # the cascade's eye is 20 pixels wide; this gives it detail to find
    upper = cv2.resize(face[: int(side * 0.6)], None, fx=factor, fy=factor)
    found = cascade.detectMultiScale(upper, 1.1, 4, minSize=(20, 20), maxSize=(64, 64))
    if len(found) == 0:
        return None
    eyes = np.array([[x + w / 2, y + h / 2] for x, y, w, h in found]) / factor
    left, right = eyes[eyes[:, 0] < side / 2], eyes[eyes[:, 0] >= side / 2]
    best: NDArray[np.float64] | None = None
    least = np.inf
    for one, other in product(left, right):
        across, down = (other - one) / side
        tilt = abs(np.degrees(np.arctan2(down, across)))
        # Eyes lie some 0.4 box sides apart and 0.38 below its top.
        doubt = abs(across - 0.4) + abs((one[1] + other[1]) / 2 / side - 0.38) + tilt / 90
        if 0.25 < across < 0.65 and tilt <= 25 and doubt < least:
            best, least = np.array([one, other]), doubt
    return best
