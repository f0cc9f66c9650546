"""Whether a new calibration is better than the old one, or only luckier: cross-validated on the same faces.

What is new is fitted on nine tenths of the faces and measured on the rest, ten times; what is old is measured
on the same faces. It has to be better by more than chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agelens import ages, conformal, metrics
from agelens.conformal import FOLDS, REPORTED_LEVELS, ConformalTable
from agelens.evaluation import temperature

#: Standard errors that a mean difference must exceed: one-sided, 95 %.
CHANCE = 1.645

#: Standard errors that the share of intervals that hold may be off at one of four levels: 95 % for all.
OFF = 2.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Compared:
    """A mean loss of the old and of the new on the same faces, and the standard error of the difference."""

    old: float
    new: float
    error: float

    @property
    def better(self) -> bool:
        """Whether the new is better by more than chance."""
        return self.new - self.old + CHANCE * self.error < 0


@dataclass(frozen=True, slots=True)
class ComparedIntervals:
    """Age intervals, old and new, on the same faces.

    Attributes:
        score: the mean interval score over the reported levels, years.
        held: the shares that hold at the reported levels, old and new.
        images: faces.
    """

    score: Compared
    held: tuple[tuple[float, ...], tuple[float, ...]]
    images: int

    @property
    def better(self) -> bool:
        """Whether the new have the better score, or hold as often as they say where the old do not."""
        old, new = (self._off(shares) for shares in self.held)
        return self.score.better or (old > OFF and new < old)

    def _off(self, shares: tuple[float, ...]) -> float:
        """How far the shares are from the levels, at most, in standard errors."""
        level = np.array(REPORTED_LEVELS)
        return float((np.abs(np.array(shares) - level) / np.sqrt(level * (1 - level) / self.images)).max())


def folds(count: int) -> NDArray[np.intp]:
    """The fold of each face, (count,)."""
    return np.random.default_rng(0).permutation(count) % FOLDS


def compare(old: Floats, new: Floats) -> Compared:
    """Compare the (n,) losses of the same faces."""
    return Compared(float(old.mean()), float(new.mean()), float((new - old).std(ddof=1) / np.sqrt(len(old))))


def fitted_without(at_each: Floats) -> Floats:
    """For each face the temperature that the other folds choose: ``losses``, (t, n) -> (n,)."""
    fold = folds(at_each.shape[1])
    chosen = np.array([at_each[:, fold != one].mean(axis=1).argmin() for one in range(FOLDS)])
    return np.asarray(temperature.TEMPERATURES[chosen[fold]])


def compare_temperatures(
    probabilities: NDArray[np.floating], labels: NDArray[np.intp], old: float
) -> Compared:
    """A head's temperature as it is against a new one, by the negative log-likelihood; (n, k), (n,)."""
    at_each = temperature.losses(probabilities, labels)
    place = np.searchsorted(temperature.TEMPERATURES, fitted_without(at_each))
    new = at_each[place, np.arange(len(labels))]
    return compare(temperature.losses(probabilities, labels, [old])[0], new)


def compare_intervals(
    old: tuple[ages.FloatArray, ConformalTable | None], new: ages.FloatArray, true_age: ArrayLike, count: int
) -> ComparedIntervals:
    """Intervals as they are against a new table, by score and by how often they hold.

    Args:
        old: (n, 101) the distributions as they are answered so far, and the table.
        new: (n, 101) the distributions that the new table is fitted on.
        true_age: (n,) years.
        count: the neighbours of the new table.
    """
    truth = np.asarray(true_age, dtype=np.float64)
    fold = folds(len(truth))
    tables = {
        one: conformal.fit(new[fold != one], truth[fold != one], neighbours=min(count, (fold != one).sum()))
        for one in range(FOLDS)
    }
    losses: tuple[list[Floats], list[Floats]] = ([], [])
    held: tuple[list[float], list[float]] = ([], [])
    for level in REPORTED_LEVELS:
        told = np.empty((len(truth), 2))
        for one, table in tables.items():
            told[fold == one] = conformal.interval(new[fold == one], level, table)
        for kind, bounds in enumerate((conformal.interval(old[0], level, old[1]), told)):
            losses[kind].append(metrics.interval_score(truth, bounds, level))
            held[kind].append(metrics.coverage(truth, bounds))
    before, after = (np.mean(rows, axis=0) for rows in losses)
    return ComparedIntervals(compare(before, after), (tuple(held[0]), tuple(held[1])), len(truth))


def differs_from_uniform(shares: ArrayLike, fitted_on: int) -> bool:
    """Whether the qualities of new faces are no such shares: a scale fitted on m faces gives even ones.

    The two-sample test of Kolmogorov & Smirnov at 5 %; (n,) qualities in 0..1.
    """
    sorted_shares = np.sort(np.asarray(shares, dtype=np.float64))
    count = len(sorted_shares)
    steps = np.arange(count + 1) / count
    distance = max(np.abs(steps[1:] - sorted_shares).max(), np.abs(steps[:-1] - sorted_shares).max())
    return bool(distance > 1.36 * np.sqrt(1 / count + 1 / max(fitted_on, 1)))
