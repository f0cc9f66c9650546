"""How far apart the best and the worst served groups are, how sure that is, and who is too few to tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from agelens.evaluation.groups import members
from agelens.evaluation.predictions import Floats, Predictions, known
from agelens.metrics import Estimate
from agelens.models.measurement import SMALL, Gap, LeftOut

#: The figures that groups are compared by: their keys, and whether the larger is the worse.
COMPARED = {"mae": True, "gender_accuracy": False, "coverage": False}


def gaps(predictions: Predictions, resamples: int = 1000) -> tuple[Gap, ...]:
    """The gap of every figure in every cut that has two groups or more of 50 labelled faces or more."""
    found = []
    for by, figure, groups in _cuts(predictions):
        compared = [(name, own) for name, own in groups if len(own) >= SMALL]
        if len(compared) < 2:
            continue
        compared.sort(key=lambda entry: entry[1].mean(), reverse=COMPARED[figure])
        (worst, of_worst), (best, of_best) = compared[0], compared[-1]
        gap = _difference(of_worst, of_best, resamples)
        found.append(Gap(by, figure, worst, best, float(of_worst.mean()), float(of_best.mean()), gap))
    return tuple(found)


def left_out(predictions: Predictions) -> tuple[LeftOut, ...]:
    """The groups that ``gaps`` passes over, fewer than 50 labelled faces each, with their figures."""
    return tuple(
        LeftOut(by, figure, name, len(own), float(own.mean()))
        for by, figure, groups in _cuts(predictions)
        for name, own in groups
        if 0 < len(own) < SMALL
    )


def _cuts(predictions: Predictions) -> Iterator[tuple[str, str, list[tuple[str, Floats]]]]:
    """Each cut and figure, with every group's name and the values of its labelled faces."""
    values = dict(
        zip(
            COMPARED,
            (np.abs(predictions.signed_error), predictions.right_gender, predictions.covered),
            strict=True,
        )
    )
    cuts = defaultdict(list)
    for by, name, rows in members(predictions):
        cuts[by].append((name, rows))
    for by, groups in cuts.items():
        for figure, of_face in values.items():
            yield by, figure, [(name, known(of_face[rows])) for name, rows in groups]


def _difference(one: Floats, other: Floats, resamples: int) -> Estimate:
    """The absolute difference of two means, each group resampled by itself."""
    rng = np.random.default_rng(0)
    sign = 1.0 if one.mean() >= other.mean() else -1.0

    def draw(own: Floats) -> float:
        return float(own[rng.integers(0, len(own), len(own))].mean())

    low, high = np.percentile([sign * (draw(one) - draw(other)) for _ in range(resamples)], [2.5, 97.5])
    return Estimate(float(sign * (one.mean() - other.mean())), float(low), float(high))
