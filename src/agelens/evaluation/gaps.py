"""How far apart the best and the worst served groups are, and how sure that is."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from agelens.evaluation.groups import members
from agelens.evaluation.predictions import Floats, Predictions, known
from agelens.metrics import Estimate
from agelens.models.measurement import SMALL, Gap


def gaps(predictions: Predictions, resamples: int = 1000) -> tuple[Gap, ...]:
    """The gap of every figure in every cut that has two groups or more."""
    cuts = defaultdict(list)
    for by, name, rows in members(predictions):
        cuts[by].append((name, rows))
    figures = (
        ("mae", np.abs(predictions.signed_error), True),
        ("gender_accuracy", predictions.right_gender, False),
        ("coverage", predictions.covered, False),
    )
    found = []
    for by, groups in cuts.items():
        for figure, values, larger_is_worse in figures:
            labelled = [(name, own) for name, rows in groups if len(own := known(values[rows])) >= SMALL]
            if len(labelled) < 2:
                continue
            labelled.sort(key=lambda entry: entry[1].mean(), reverse=larger_is_worse)
            (worst, of_worst), (best, of_best) = labelled[0], labelled[-1]
            gap = _difference(of_worst, of_best, resamples)
            found.append(Gap(by, figure, worst, best, float(of_worst.mean()), float(of_best.mean()), gap))
    return tuple(found)


def _difference(one: Floats, other: Floats, resamples: int) -> Estimate:
    """The absolute difference of two means, each group resampled by itself."""
    rng = np.random.default_rng(0)
    sign = 1.0 if one.mean() >= other.mean() else -1.0

    def draw(own: Floats) -> float:
        return float(own[rng.integers(0, len(own), len(own))].mean())

    low, high = np.percentile([sign * (draw(one) - draw(other)) for _ in range(resamples)], [2.5, 97.5])
    return Estimate(float(sign * (one.mean() - other.mean())), float(low), float(high))
