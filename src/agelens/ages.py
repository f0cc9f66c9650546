"""Distributions over the 101 ages: made from labels, turned into answers.

Age is learnt as a label distribution (Geng 2013, "Facial age estimation by learning from label
distributions"; Gao et al. 2017, DLDL) and answered as its expectation. Every function works on arrays
whose last axis is the 101 ages 0..100 and whose rows sum to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agelens.labels import MAX_AGE, MIN_AGE, NUM_AGES, Sample

FloatArray = NDArray[np.floating]

#: How one age is taken from a distribution.
PointEstimate = Literal["mean", "median"]

#: (101,) the ages of the bins, in years.
AGES: NDArray[np.float64] = np.arange(MIN_AGE, MAX_AGE + 1, dtype=np.float64)

#: Years. The standard deviation around an exact label, as in the competition's public EfficientNet-B4 entry.
DEFAULT_SIGMA = 1.5

ADULT = 18  # years, the legal adult age; the threshold of the calibration and age-check figures


def gaussian(age: ArrayLike, sigma: ArrayLike = DEFAULT_SIGMA) -> NDArray[np.float32]:
    """Spread ages as Gaussians over the bins: scalar or (n,) years -> (101,) or (n, 101) float32.

    ``sigma``, years, is a scalar, or (n,) where every label has its own noise.

    Raises:
        ValueError: a sigma that is not positive.
    """
    mean = np.asarray(age, dtype=np.float64)[..., None]
    spread = np.asarray(sigma, dtype=np.float64)[..., None]
    if not np.all(spread > 0):
        raise ValueError("sigma must be positive (years)")
    return softmax(-0.5 * ((AGES - mean) / spread) ** 2)


def uniform(low: float, high: float) -> NDArray[np.float32]:
    """Spread the mass of an interval label evenly over its years, both ends included: (101,) float32.

    A year that the interval covers only in part (``low=2.5``) gets that part of the mass.

    Raises:
        ValueError: ``low`` is above ``high``, or the interval lies outside 0..100.
    """
    if not low <= high:
        raise ValueError(f"age interval {low}..{high} ends before it begins")
    # Bin k stands for the years [k - 0.5, k + 0.5), and the interval for [low - 0.5, high + 0.5).
    covered = np.maximum(np.minimum(AGES, high) - np.maximum(AGES, low) + 1, 0.0)
    if covered.sum() <= 0:
        raise ValueError(f"age interval {low}..{high} lies outside {MIN_AGE}..{MAX_AGE}")
    return (covered / covered.sum()).astype(np.float32)


def target(sample: Sample, sigma: float = DEFAULT_SIGMA, sigma_per_year: float = 0.0) -> NDArray[np.float32]:
    """The label distribution of a sample: (101,) float32; all zeros where the age is unknown.

    The spread of an exact age is ``sigma + sigma_per_year * age`` years.
    """
    if sample.age is not None:
        return gaussian(sample.age, sample.age_std or sigma + sigma_per_year * sample.age)
    if sample.age_low is not None and sample.age_high is not None:
        return uniform(sample.age_low, sample.age_high)
    return np.zeros(NUM_AGES, dtype=np.float32)


def targets(
    samples: Sequence[Sample], sigma: float = DEFAULT_SIGMA, sigma_per_year: float = 0.0
) -> NDArray[np.float32]:
    """The label distributions of many samples: (n, 101) float32."""
    rows = [target(sample, sigma, sigma_per_year) for sample in samples]
    return np.array(rows, dtype=np.float32).reshape(-1, NUM_AGES)


def frequencies(years: ArrayLike) -> NDArray[np.float64]:
    """The smoothed number of faces of each age: (n,) years -> (101,), each at least 1."""
    bins = np.rint(np.asarray(years, dtype=np.float64)).astype(int)
    counts = np.bincount(np.clip(bins, MIN_AGE, MAX_AGE), minlength=NUM_AGES).astype(np.float64)
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    # Dividing by the kernel's mass inside 0..100 keeps the ends from looking rare.
    smoothed = np.convolve(counts, kernel, "same") / np.convolve(np.ones(NUM_AGES), kernel, "same")
    return np.asarray(np.maximum(smoothed, 1.0))


def softmax(logits: ArrayLike, temperature: float = 1.0, offsets: ArrayLike = 0.0) -> NDArray[np.float32]:
    """Turn logits into probabilities over the last axis; a temperature above 1 flattens them.

    ``offsets`` (nats, one a class) are added to the tempered logits.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature + np.asarray(offsets, dtype=np.float64)
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def retempered(
    probabilities: FloatArray, temperature: float, offsets: ArrayLike = 0.0
) -> NDArray[np.float32]:
    """Apply a temperature and offsets to probabilities, as ``softmax`` applies them to logits: (..., k)."""
    return softmax(np.log(np.maximum(probabilities, 1e-12)), temperature, offsets)


def expectation(probabilities: FloatArray) -> NDArray[np.float64]:
    """The mean age in years: (..., 101) -> (...)."""
    return np.asarray(probabilities.astype(np.float64) @ AGES)


def quantile(probabilities: FloatArray, q: ArrayLike) -> NDArray[np.float64]:
    """The age below which a share ``q`` of the mass lies, in years: (..., 101), scalar or (...) -> (...).

    The mass of bin k is taken as even over [k - 0.5, k + 0.5], so quantiles move smoothly between whole
    years; answers stay within 0..100.

    Raises:
        ValueError: ``q`` is not within 0..1.
    """
    share = np.asarray(q, dtype=np.float64)
    if not np.all((share >= 0.0) & (share <= 1.0)):
        raise ValueError(f"a quantile lies between 0 and 1, not at {q!r}")
    mass = probabilities.astype(np.float64)
    cumulative = np.cumsum(mass, axis=-1)
    cumulative /= cumulative[..., -1:]
    index = np.minimum((cumulative < share[..., None]).sum(axis=-1), NUM_AGES - 1)
    upper = np.take_along_axis(cumulative, index[..., None], axis=-1)[..., 0]
    inside = np.take_along_axis(mass, index[..., None], axis=-1)[..., 0]
    share_left = np.divide(upper - share, inside, out=np.zeros_like(upper), where=inside > 0)
    return np.clip(index + 0.5 - share_left, MIN_AGE, MAX_AGE)


def point(probabilities: FloatArray, kind: PointEstimate = "mean") -> NDArray[np.float64]:
    """One age for each distribution: (..., 101) -> (...), years.

    The mean minimises the squared error, the median the absolute error.
    """
    return expectation(probabilities) if kind == "mean" else quantile(probabilities, 0.5)


def cdf(probabilities: FloatArray, age: ArrayLike) -> NDArray[np.float64]:
    """The share of the mass below an age, the inverse of ``quantile``: (n, 101), (n,) years -> (n,)."""
    mass = probabilities.astype(np.float64)
    edges = np.arange(NUM_AGES + 1) - 0.5
    covered = np.clip(np.asarray(age, dtype=np.float64)[..., None] - edges[:-1], 0.0, 1.0)
    return np.asarray((mass * covered).sum(axis=-1) / mass.sum(axis=-1))


def survival(probabilities: FloatArray, age: int) -> NDArray[np.float64]:
    """The probability of being at least ``age`` years old: (..., 101) -> (...).

    Raises:
        ValueError: ``age`` is not within 0..100.
    """
    if not MIN_AGE <= age <= MAX_AGE:
        raise ValueError(f"an age lies within {MIN_AGE}..{MAX_AGE} years, not at {age}")
    return np.asarray(probabilities[..., age:].astype(np.float64).sum(axis=-1))


def interval(probabilities: FloatArray, level: float = 0.9) -> NDArray[np.float64]:
    """The central interval that holds ``level`` of the mass: (..., 101) -> (..., 2), years.

    Raises:
        ValueError: ``level`` is not strictly between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"an interval's level lies strictly between 0 and 1, not at {level}")
    tail = (1.0 - level) / 2
    return np.stack([quantile(probabilities, tail), quantile(probabilities, 1.0 - tail)], axis=-1)


def crps(probabilities: FloatArray, age: ArrayLike) -> NDArray[np.float64]:
    """The continuous ranked probability score in years, lower is better: (n, 101), (n,) -> (n,).

    In its energy form E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007, equation 21), exact for a
    distribution on the whole years and any true age ``y``.
    """
    mass = probabilities.astype(np.float64)
    to_truth = (mass * np.abs(AGES - np.asarray(age)[..., None])).sum(axis=-1)
    cumulative = np.cumsum(mass, axis=-1)
    half_spread = (cumulative * (1.0 - cumulative)).sum(axis=-1)
    return np.asarray(to_truth - half_spread)


def entropy(probabilities: FloatArray) -> NDArray[np.float64]:
    """The Shannon entropy in nats: 0 for one certain year, log(101) = 4.6 for no idea."""
    mass = probabilities.astype(np.float64)
    return np.asarray(-(mass * np.log(np.where(mass > 0, mass, 1.0))).sum(axis=-1))
