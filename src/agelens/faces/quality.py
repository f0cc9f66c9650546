"""The quality of a face: how far its answer can be trusted, from the picture and from the answer itself.

Its score is the square root of four parts multiplied, each in 0..1: the detector's confidence; the face's
size in relation to the network's input; sharpness, by the variance of the Laplacian (Pech-Pacheco et al.
2000); and certainty. A scale, fitted on calibration faces, makes two things of it that a score alone is not.
Certainty is measured by what is usual at the predicted age, so that nobody is doubtful for being old; and the
score becomes a share: a quality of 0.1 means that a tenth of the calibration faces scored lower.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from agelens import ages
from agelens.faces.images import Pixels
from agelens.labels import NUM_AGES

#: Variance of the Laplacian at 64×64 pixels that gives a sharpness of one half; less looks blurred.
BLURRED = 60.0

#: Predicted ages, years, at which the usual entropy is fitted: close where it changes within a year.
KNOTS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, *(20.0 + 5 * step for step in range(15)))

#: The faces nearest to a knot in predicted age are a twentieth of all, within these bounds.
NEAREST = (25, 100)

SHARES = np.linspace(0, 1, 101)  # of the calibration faces, at which a scale holds scores

Floats = NDArray[np.float64]


class QualityScale(BaseModel):
    """What calibration faces are like.

    Attributes:
        ages: predicted ages, years, rising; empty where the model answers none.
        entropy: nats, the median of the age distributions answered near those ages.
        quantiles: detector -> (101,) scores, rising, that 0, 1, … 100 % of the faces it found lie below.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ages: tuple[float, ...]
    entropy: tuple[float, ...]
    quantiles: dict[str, tuple[float, ...]]

    @model_validator(mode="after")
    def _fits(self) -> QualityScale:
        rising = (list(row) == sorted(row) and len(row) == len(SHARES) for row in self.quantiles.values())
        if len(self.ages) != len(self.entropy) or list(self.ages) != sorted(self.ages) or not all(rising):
            raise ValueError("a quality scale has an entropy for each age, and 101 rising scores a detector")
        return self


def laplacian_variance(grey: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian of a (h, w) picture reduced to 64×64: small where no edge is sharp."""
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(small, cv2.CV_64F).var())


def of_picture(detection: float, side: float, crop: Pixels) -> float:
    """The part of a face's score that its picture decides, 0..1.

    It takes the detector's confidence, 0..1; the side of the face's box in the original, pixels; and the
    aligned face as the network sees it, (S, S, 3) uint8 RGB.
    """
    size = min(1.0, side / crop.shape[0])
    variance = laplacian_variance(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))
    return float(np.clip(detection, 0, 1) * size * variance / (variance + BLURRED))


def of_answers(
    picture: Floats, age: ages.FloatArray | None, scale: QualityScale | None = None, detector: str = ""
) -> Floats:
    """The quality of answered faces: (n,) of ``of_picture``, (n, 101) age distributions -> (n,) in 0..1.

    It is a share of calibration faces where the scale knows the detector, else the plain score. ``age`` is
    None where the model answers no ages.
    """
    quantiles = scale.quantiles.get(detector) if scale else None
    if scale is None or quantiles is None:
        return scores(picture, age)
    return np.asarray(np.interp(scores(picture, age, scale), quantiles, SHARES))


def scores(picture: Floats, age: ages.FloatArray | None, scale: QualityScale | None = None) -> Floats:
    """The score of answered faces: as ``of_answers``, but no share; -> (n,) in 0..1.

    On a scale, certainty is u / (u + p), where p is how many years the age distribution spreads over (its
    perplexity) and u how many it usually does at that predicted age; without one, 1 - entropy / log(101).
    """
    if age is None or (scale is not None and not scale.ages):
        return np.asarray(np.sqrt(picture))
    entropy = ages.entropy(age)
    if scale is None:
        certainty = np.clip(1 - entropy / math.log(NUM_AGES), 0, 1)
    else:
        usual = np.interp(ages.expectation(age), scale.ages, scale.entropy)
        certainty = 1 / (1 + np.exp(entropy - usual))
    return np.asarray(np.sqrt(picture * certainty))


def usual_entropy(age: ages.FloatArray | None) -> QualityScale:
    """A scale that knows no detector yet: the median entropy by predicted age, of (n, 101) distributions."""
    if age is None:
        return QualityScale(ages=(), entropy=(), quantiles={})
    mean, entropy = ages.expectation(age), ages.entropy(age)
    count = int(np.clip(len(mean) // 20, *NEAREST))
    nearest = np.argsort(np.abs(mean[None, :] - np.array(KNOTS)[:, None]), axis=1, kind="stable")[:, :count]
    medians = np.round(np.median(entropy[nearest], axis=1), 4)
    return QualityScale(ages=KNOTS, entropy=tuple(medians.tolist()), quantiles={})


def with_detector(
    scale: QualityScale, detector: str, picture: Floats, age: ages.FloatArray | None
) -> QualityScale:
    """The scale with the scores of n faces that a detector found, as ``of_answers`` takes them."""
    quantiles = np.round(np.quantile(scores(picture, age, scale), SHARES), 4)
    known = {**scale.quantiles, detector: tuple(quantiles.tolist())}
    return scale.model_copy(update={"quantiles": known})
