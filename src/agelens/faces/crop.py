"""The crop convention: how a face found in a picture becomes the square that the network was trained on.

Training saw UTKFace's aligned chips whole. The convention therefore says where, in such a chip, each
detector sees the landmarks and the box; a found face is moved so that its own lie there. The figures are
means over training chips, made by ``benchmarks/crop_geometry.py``.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from agelens.errors import DetectorError
from agelens.faces.boxes import Box, area, centre
from agelens.faces.detection.base import Detection
from agelens.faces.images import Pixels, resize_to_square

Point = tuple[float, float]


class CropConvention(BaseModel):
    """Where a face lies in the network's square, in shares of its side (0..1, from the top left).

    Attributes:
        name: what the convention is called; nothing is looked up by it.
        landmarks: x and y of the right eye, the left eye, the nose, the right and left corner of the mouth.
        boxes: by the detector's name, the box x0, y0, x1, y1 that it draws around such a face.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "utkface-chip"
    landmarks: tuple[Point, Point, Point, Point, Point] = (
        (0.299, 0.284), (0.688, 0.290), (0.482, 0.502), (0.320, 0.674), (0.648, 0.679)
    )  # fmt: skip
    boxes: dict[str, Box] = {
        "yunet": (0.073, -0.088, 0.924, 0.976),
        "haar": (0.018, -0.054, 0.967, 0.895),
        "whole": (0.0, 0.0, 1.0, 1.0),
    }


def crop_face(
    pixels: Pixels, detection: Detection, detector: str, convention: CropConvention, size: int
) -> Pixels:
    """Cut a found face out as the network expects it: (h, w, 3) -> (size, size, 3) uint8 RGB.

    The landmarks decide where there are any, and turn the face upright; otherwise the box decides. Beyond
    the picture, its edge is repeated.

    Raises:
        DetectorError: there are no landmarks, and the convention does not know the detector's box.
    """
    if detector == "whole":
        return resize_to_square(pixels, size)
    return warp(pixels, alignment(detection, detector, convention, size), size)


def alignment(
    detection: Detection, detector: str, convention: CropConvention, size: int
) -> NDArray[np.float64]:
    """The 2×3 matrix that moves a face of the picture into the network's square of ``size`` pixels.

    Raises:
        DetectorError: there are no landmarks, and the convention does not know the detector's box.
    """
    if detection.landmarks is not None:
        goal = np.array(convention.landmarks[: len(detection.landmarks)])
        return similarity(detection.landmarks, goal * size)
    if detector not in convention.boxes:
        raise DetectorError(
            f"faces of the detector {detector!r} cannot be aligned: it gives no landmarks, and the crop "
            f"convention {convention.name!r} knows the boxes of {', '.join(convention.boxes)} only; let it "
            "give the eyes as landmarks, or add its box to the convention in the model's bundle.json"
        )
    return _box_to_box(detection.box, convention.boxes[detector], size)


def footprint(detection: Detection, detector: str, convention: CropConvention) -> Box:
    """What ``crop_face`` looks at: the box around the network's square, in pixels of the picture."""
    if detector == "whole":
        return detection.box
    back = cv2.invertAffineTransform(alignment(detection, detector, convention, 1))
    corners = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]]) @ back.T
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return x0, y0, x1, y1


def eye_distance(detection: Detection, detector: str, convention: CropConvention) -> float:
    """The pixels between a face's eyes, as the detection has it; NaN where nothing tells where they are.

    A picture taken whole has them where the convention says.
    """
    if detection.landmarks is not None:
        right, left = detection.landmarks[:2]
        return float(np.hypot(*(left - right)))
    (x0, y0), (x1, y1) = convention.landmarks[:2]
    x, y, right, below = detection.box
    whole = float(np.hypot((x1 - x0) * (right - x), (y1 - y0) * (below - y)))
    return whole if detector == "whole" else float("nan")


def similarity(source: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 2×3 matrix of rotation, scale and shift that moves points nearest to their goals.

    Least squares over (n, 2) points, n ≥ 2 (Umeyama 1991, without reflection), solved in the complex
    plane, where a similarity is z -> a z + b.
    """
    start = source[:, 0] + 1j * source[:, 1]
    end = goal[:, 0] + 1j * goal[:, 1]
    centred = start - start.mean()
    factor = np.vdot(centred, end - end.mean()) / max(float(np.vdot(centred, centred).real), 1e-12)
    shift = end.mean() - factor * start.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def warp(pixels: Pixels, matrix: NDArray[np.float64], size: int) -> Pixels:
    """Resample through a similarity into a square, averaging where the picture has pixels to spare.

    The matrix maps points whose pixel (0, 0) reaches from 0 to 1, as boxes and landmarks are measured.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    # Bilinear sampling skips pixels when it shrinks; so resample near full resolution, then average down.
    finer = int(np.clip(round(1 / max(scale, 1e-6)), 1, 16))
    fine = matrix * finer
    # OpenCV counts from pixel centres: shift by half a pixel on either side.
    fine[:, 2] += fine[:, :2] @ (0.5, 0.5) - 0.5
    side = size * finer
    face = cv2.warpAffine(pixels, fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return face if finer == 1 else cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)


def _box_to_box(box: Box, goal: Box, size: int) -> NDArray[np.float64]:
    scale = size * np.sqrt(area(goal) / max(area(box), 1e-6))
    shift = np.array(centre(goal)) * size - scale * np.array(centre(box))
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
