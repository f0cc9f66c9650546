"""How far apart the best and the worst served groups are, and how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agelens import metrics
from agelens.evaluation.groups import SMALL, Prediction, members

#: The figures that are compared, as people know them.
LABELS = {"mae": "MAE", "gender_accuracy": "gender accuracy", "coverage": "coverage"}


@dataclass(frozen=True, slots=True)
class Gap:
    """The gap of one figure between two groups of one cut; years or shares.

    Attributes:
        by: what the groups are cut by.
        figure: ``mae``, ``gender_accuracy`` or ``coverage``.
        worst: the group served worst, and ``best`` the one served best, among those of 50 faces or more.
        worst_value: its figure; and ``best_value`` the other's.
        gap: between the two, with its bootstrap interval. The two are chosen on the same faces, so that even
            equal groups show some gap; the interval says how much of it is chance.
    """

    by: str
    figure: str
    worst: str
    best: str
    worst_value: float
    best_value: float
    gap: metrics.Estimate


def gaps(predictions: Sequence[Prediction], resamples: int = 1000) -> tuple[Gap, ...]:
    """The gap of every figure in every cut that has two groups or more."""
    samples = [p.sample for p in predictions]
    cuts: dict[str, list[tuple[str, NDArray[np.intp]]]] = defaultdict(list)
    for by, name, rows in members(samples):
        if len(rows) >= SMALL:
            cuts[by].append((name, np.array(rows)))
    error = [np.nan if p.sample.point_age is None else abs(p.age - p.sample.point_age) for p in predictions]
    covered = [np.nan if p.sample.point_age is None else float(p.covered) for p in predictions]
    right = [
        np.nan if p.sample.gender is None else float(p.gender_index == p.sample.gender.position)
        for p in predictions
    ]
    found = []
    for by, groups in cuts.items():
        for figure, values, larger_is_worse in (
            ("mae", np.array(error), True),
            ("gender_accuracy", np.array(right), False),
            ("coverage", np.array(covered), False),
        ):
            known = [(name, values[rows][~np.isnan(values[rows])]) for name, rows in groups]
            known = [(name, own) for name, own in known if len(own) >= SMALL]
            if len(known) < 2:
                continue
            known.sort(key=lambda entry: entry[1].mean(), reverse=larger_is_worse)
            (worst, of_worst), (best, of_best) = known[0], known[-1]
            gap = _difference(of_worst, of_best, resamples)
            found.append(Gap(by, figure, worst, best, float(of_worst.mean()), float(of_best.mean()), gap))
    return tuple(found)


def _difference(one: NDArray[np.float64], other: NDArray[np.float64], resamples: int) -> metrics.Estimate:
    """The absolute difference of two means, each group resampled by itself."""
    rng = np.random.default_rng(0)
    sign = 1.0 if one.mean() >= other.mean() else -1.0

    def draw(own: NDArray[np.float64]) -> float:
        return float(own[rng.integers(0, len(own), len(own))].mean())

    drawn = [sign * (draw(one) - draw(other)) for _ in range(resamples)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return metrics.Estimate(float(sign * (one.mean() - other.mean())), float(low), float(high))
