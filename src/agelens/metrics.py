"""How good answers are: the competition's score, the field's metrics, and bootstrap intervals.

All functions take equally long one-dimensional arrays: ages in years, genders as 0 male, 1 female.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Years. The competition caps the RMSE here: the age part of its score is 0 from this error on.
RMSE_CAP = 30.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % bootstrap interval, in the figure's own unit."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mae(true: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, years."""
    return float(np.mean(np.abs(np.subtract(predicted, true))))


def rmse(true: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error, years."""
    return float(np.sqrt(np.mean(np.square(np.subtract(predicted, true)))))


def bias(true: ArrayLike, predicted: ArrayLike) -> float:
    """Mean signed error, years: above 0 where faces are answered too old."""
    return float(np.mean(np.subtract(predicted, true)))


def cumulative_score(true: ArrayLike, predicted: ArrayLike, years: float = 5.0) -> float:
    """CS@k: the share of answers at most ``years`` off (Geng et al. 2007)."""
    return float(np.mean(np.abs(np.subtract(predicted, true)) <= years))


def accuracy(true: ArrayLike, predicted: ArrayLike) -> float:
    """The share of equal labels."""
    return float(np.mean(np.equal(true, predicted)))


def macro_f1(true: ArrayLike, predicted: ArrayLike) -> float:
    """The mean of the F1 scores of the classes that occur in either array.

    As scikit-learn's ``f1_score(average="macro")``: a class answered but never true counts with F1 = 0.
    """
    truth, answer = np.asarray(true), np.asarray(predicted)
    scores = []
    for label in np.union1d(truth, answer):
        hits = np.count_nonzero((truth == label) & (answer == label))
        occurrences = np.count_nonzero(truth == label) + np.count_nonzero(answer == label)
        scores.append(2.0 * hits / occurrences)
    return float(np.mean(scores))


def age_score(true: ArrayLike, predicted: ArrayLike) -> float:
    """The competition's age part: 1 - min(RMSE, 30) / 30."""
    return 1.0 - min(rmse(true, predicted), RMSE_CAP) / RMSE_CAP


def harmonic_mean(gender: float, age: float) -> float:
    """The harmonic mean of two scores in 0..1; 0 where both are."""
    return 2.0 * gender * age / (gender + age) if gender + age > 0 else 0.0


def competition_score(
    age_true: ArrayLike, age_predicted: ArrayLike, gender_true: ArrayLike, gender_predicted: ArrayLike
) -> float:
    """The score of Kaggle ``sep-25-dl-gen-ai-nppe-1``: the harmonic mean of macro F1 and age score."""
    return harmonic_mean(macro_f1(gender_true, gender_predicted), age_score(age_true, age_predicted))


def coverage(true: ArrayLike, intervals: ArrayLike) -> float:
    """The share of true ages inside their interval, ends included; ``intervals`` is (n, 2), years."""
    low, high = np.transpose(intervals)
    return float(np.mean((low <= true) & (true <= high)))


def negative_log_likelihood(probabilities: ArrayLike, label: ArrayLike) -> float:
    """The mean of -log p(label), nats: (n, k) probabilities, (n,) class numbers."""
    labels = np.asarray(label)
    chosen = np.asarray(probabilities)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def calibration_error(
    outcome: ArrayLike, probability: ArrayLike, drawn: ArrayLike | None = None, bins: int = 15
) -> float:
    """The root mean squared gap of probabilities to frequencies, over bins of equally many faces; debiased.

    For a binary outcome: (n,) of 0 or 1, and the (n,) probabilities of 1. The usual expected calibration
    error (Naeini et al. 2015) counts chance in each bin as error, so that a perfect model has some, and a
    resampled one more. This is the debiased estimate of Kumar, Liang & Ma 2019, "Verified uncertainty
    calibration": in a bin, the mean product of the gaps of two different faces, whose chances cancel. It is 0
    where the mean over all faces falls below 0.

    Args:
        outcome: what happened.
        probability: what was stated.
        drawn: (n,) the number of each face, where a resample may hold one twice; None for n different faces.
        bins: how many there are; one without two different faces adds nothing.
    """
    stated = np.asarray(probability, dtype=np.float64)
    edges = np.quantile(stated, np.arange(1, bins) / bins)
    gap, bin_of = stated - np.asarray(outcome), np.searchsorted(edges, stated, side="right")
    numbers = np.arange(len(gap)) if drawn is None else np.asarray(drawn)
    _, first, face = np.unique(numbers, return_index=True, return_inverse=True)

    def of_bins(values: ArrayLike, squares: ArrayLike) -> NDArray[np.float64]:
        """The sum over the pairs of different faces of each bin."""
        total = np.bincount(bin_of, values, bins) ** 2
        return np.asarray(total - np.bincount(bin_of[first], squares, bins))

    products = of_bins(gap, np.bincount(face, gap) ** 2)
    pairs = of_bins(np.ones(len(gap)), np.bincount(face) ** 2)
    squared = np.divide(products, pairs, out=np.zeros(bins), where=pairs > 0.5)
    return float(np.sqrt(max(0.0, float(np.bincount(bin_of, minlength=bins) @ squared)) / len(gap)))


def interval_width(intervals: ArrayLike) -> float:
    """The mean width of (n, 2) intervals, years."""
    return float(np.mean(np.diff(intervals)))


def interval_score(true: ArrayLike, intervals: ArrayLike, level: float) -> NDArray[np.float64]:
    """The score of each central interval of a level, years, lower is better: (n,), (n, 2) -> (n,).

    Its width, and 2 / (1 - level) for each year that the truth lies outside (Gneiting & Raftery 2007, eq.
    43).
    """
    truth, (low, high) = np.asarray(true, dtype=np.float64), np.transpose(intervals)
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return np.asarray(high - low + 2 / (1 - level) * outside)


def bootstrap(
    metrics: Mapping[str, Callable[[NDArray[np.intp]], float]],
    size: int,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Percentile bootstrap (Efron 1979) of several metrics over the same resamples of ``size`` rows.

    A metric is a function of the drawn row numbers, so that metrics over several arrays stay paired.

    Raises:
        ValueError: there are no rows.
    """
    if size < 1:
        raise ValueError("no rows to measure")
    estimates = {}
    for name, metric in metrics.items():
        value = metric(np.arange(size))
        rng = np.random.default_rng(seed)  # the same draws for each
        drawn = [metric(rng.integers(0, size, size)) for _ in range(resamples)]
        low, high = np.percentile(drawn, [2.5, 97.5])
        estimates[name] = Estimate(value, float(low), float(high))
    return estimates
