"""How far a face can be trusted to be read: from the picture, before, and from the answer, after.

Four parts in 0..1: the detector's confidence; the face's size against what the network takes in; sharpness,
by the variance of the Laplacian (Pech-Pacheco et al. 2000); and certainty, by the entropy of the age
distribution. The quality is the square root of (the product of the first three) × (certainty); it ranks faces
and is no probability. How much error is left when the worst are refused is measured by
``agelens evaluate --report``.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens import ages
from agelens.faces.images import Pixels
from agelens.labels import NUM_AGES

#: Variance of the Laplacian at 64×64 below which a picture is called blurred; it gives a sharpness of a half.
BLURRED = 60.0

#: Side of the square that sharpness is measured on, pixels.
_SIDE = 64


def laplacian_variance(grey: NDArray[np.uint8]) -> float:
    """Of a (h, w) picture reduced to 64×64: small where no edge is sharp."""
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(small, cv2.CV_64F).var())


def of_picture(detection: float, side: float, crop: Pixels) -> float:
    """The quality of a face as it was found: 0..1.

    Args:
        detection: the detector's confidence, 0..1.
        side: of the face's box in the original, pixels.
        crop: (S, S, 3) uint8 RGB, as the network sees it.
    """
    size = min(1.0, side / crop.shape[0])
    variance = laplacian_variance(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))
    return float(np.clip(detection, 0, 1) * size * variance / (variance + BLURRED))


def of_answers(picture: NDArray[np.float64], age: ages.FloatArray) -> NDArray[np.float64]:
    """The quality of n faces, read: (n,) of their pictures and (n, 101) distributions -> (n,) in 0..1."""
    certainty = np.clip(1 - ages.entropy(age) / math.log(NUM_AGES), 0, 1)
    return np.asarray(np.sqrt(picture * certainty))
