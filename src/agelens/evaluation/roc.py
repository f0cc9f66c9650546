"""The ROC of an age check: who passes, of the too young and of the others, at every challenge age at once.

A check passes a face whose predicted age reaches the challenge age. The area under the curve is the
probability that a face of the age asked for is answered older than one below it (Hanley & McNeil 1982), and
its interval comes from the variance by DeLong, DeLong & Clarke-Pearson 1988.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agelens.evaluation.age_checks import THRESHOLDS, wilson
from agelens.evaluation.predictions import Floats, Predictions
from agelens.metrics import Estimate
from agelens.models.measurement import SMALL


@dataclass(frozen=True, slots=True)
class RocCurve:
    """The check for people of ``threshold`` years, at m challenge ages from the strictest on.

    Attributes:
        threshold: the age asked for, years.
        minors: faces younger than that.
        of_age: the others.
        passed: (m,) the share of the younger ones that pass, rising.
        admitted: (m,) the share of the others that pass.
        area: under the curve, with its 95 % interval.
    """

    threshold: int
    minors: int
    of_age: int
    passed: Floats
    admitted: Floats
    area: Estimate

    @property
    def small(self) -> bool:
        """Whether a few faces move the curve."""
        return min(self.minors, self.of_age) < SMALL


def roc_curves(predictions: Predictions) -> tuple[RocCurve, ...]:
    """The curve of each threshold that has faces on both sides, on the faces whose exact age is known."""
    true, answer = predictions.true_age[predictions.exact], predictions.age[predictions.exact]
    curves = []
    for threshold in THRESHOLDS:
        minors, adults = answer[true < threshold], answer[true >= threshold]
        if minors.size and adults.size:
            passed, admitted = _curve(minors, adults)
            area = _area(minors, adults)
            curves.append(RocCurve(threshold, minors.size, adults.size, passed, admitted, area))
    return tuple(curves)


def _curve(minors: Floats, adults: Floats) -> tuple[Floats, Floats]:
    """The shares that reach each answer, from the highest down; both begin with none."""
    challenges = np.unique(np.concatenate([minors, adults]))[::-1]

    def reaching(answers: Floats) -> Floats:
        below = np.searchsorted(np.sort(answers), challenges, side="left")
        return np.concatenate([[0.0], 1 - below / answers.size])

    return reaching(minors), reaching(adults)


def _area(minors: Floats, adults: Floats) -> Estimate:
    """The area, ties counted by half, with its interval, made on the logit scale to hold near 1 too.

    Where no face is out of order, the interval is Wilson's of as many faces as the smaller side has.
    """

    def share_below(answers: Floats, others: Floats) -> Floats:
        ordered = np.sort(others)
        left, right = (np.searchsorted(ordered, answers, side=side) for side in ("left", "right"))
        return np.asarray((left + right) / (2 * others.size))

    of_adults, of_minors = share_below(adults, minors), 1 - share_below(minors, adults)
    area = float(of_adults.mean())
    fewer = min(minors.size, adults.size)
    if fewer < 2 or not 0 < area < 1:
        return Estimate(area, *wilson(round(area * fewer), fewer))
    error = math.sqrt(sum(float(own.var(ddof=1)) / own.size for own in (of_adults, of_minors)))
    half, middle = 1.96 * error / (area * (1 - area)), math.log(area / (1 - area))
    low, high = (1 / (1 + math.exp(-bound)) for bound in (middle - half, middle + half))
    return Estimate(area, low, high)
