"""The quality of a face: how far its answer can be trusted, from the picture and from the answer itself.

It is the square root of four parts multiplied, each in 0..1: the detector's confidence; the face's size in
relation to the network's input; sharpness, by the variance of the Laplacian (Pech-Pacheco et al. 2000); and
certainty, by the entropy of the age distribution. It ranks faces and is no probability; ``agelens evaluate
--report`` measures how the error falls as the worst faces are refused.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens import ages
from agelens.faces.images import Pixels
from agelens.labels import NUM_AGES

#: Variance of the Laplacian at 64×64 pixels that gives a sharpness of one half; less looks blurred.
BLURRED = 60.0


def laplacian_variance(grey: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian of a (h, w) picture reduced to 64×64: small where no edge is sharp."""
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(small, cv2.CV_64F).var())


def of_picture(detection: float, side: float, crop: Pixels) -> float:
    """The part of a face's quality that its picture decides, 0..1.

    It takes the detector's confidence, 0..1; the side of the face's box in the original, pixels; and the
    aligned face as the network sees it, (S, S, 3) uint8 RGB.
    """
    size = min(1.0, side / crop.shape[0])
    variance = laplacian_variance(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))
    return float(np.clip(detection, 0, 1) * size * variance / (variance + BLURRED))


def of_answers(picture: NDArray[np.float64], age: ages.FloatArray) -> NDArray[np.float64]:
    """The quality of answered faces: (n,) of ``of_picture``, (n, 101) age distributions -> (n,) in 0..1."""
    certainty = np.clip(1 - ages.entropy(age) / math.log(NUM_AGES), 0, 1)
    return np.asarray(np.sqrt(picture * certainty))
