"""Temperatures (Guo et al. 2017) and offsets, which make a head's probabilities honest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agelens import ages
from agelens.data.manifest import Manifest
from agelens.errors import ManifestError
from agelens.models.spec import Calibration

STEP = 0.01  # of the logarithm of the temperatures tried

#: Tried for a temperature: from a quarter to four.
TEMPERATURES = np.exp(np.arange(-139, 140) * STEP)

#: Steps to either side of the best temperature over which the slope and the curvature are taken.
_REACH = 5


def losses(
    probabilities: NDArray[np.floating], labels: NDArray[np.intp], temperatures: ArrayLike = TEMPERATURES
) -> NDArray[np.float64]:
    """The negative log-likelihood of each face at each temperature, nats: (n, k), (n,), (t,) -> (t, n)."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    rows = []
    for temperature in np.asarray(temperatures):
        scaled = logits / temperature
        peak = scaled.max(axis=1)
        total = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
        rows.append(total - scaled[np.arange(len(labels)), labels])
    return np.array(rows)


def best(at_each: NDArray[np.float64]) -> tuple[float, float]:
    """The temperature of the least mean loss and its standard error: ``losses`` at ``TEMPERATURES``.

    The error is the sandwich estimate (White 1982); NaN at either end of the temperatures tried.
    """
    mean = at_each.mean(axis=1)
    place = int(mean.argmin())
    chosen = float(TEMPERATURES[place])
    if not _REACH <= place < len(mean) - _REACH:
        return chosen, float("nan")
    below, above = place - _REACH, place + _REACH
    curvature = (mean[below] - 2 * mean[place] + mean[above]) / (_REACH * STEP) ** 2
    slopes = (at_each[above] - at_each[below]) / (2 * _REACH * STEP)
    return chosen, float(chosen * slopes.std() / np.sqrt(len(slopes)) / max(curvature, 1e-9))


def prior_offsets(manifests: Sequence[Manifest], power: float, start: int) -> tuple[float, ...]:
    """Nats, one an age: minus the logarithm of its frequency in ``train``, times the power.

    Below the age ``start`` it is that of ``start``.

    Raises:
        ManifestError: ``train`` has no ages, or there is a start but no power.
    """
    if power == 0 and start > 0:
        raise ManifestError(f"ages are to be flattened from {start} on, but not how much; use --flatten, too")
    if power == 0:
        return Calibration().age_offsets
    samples = [sample for one in manifests for sample in one.of_split("train").samples]
    years = [sample.point_age for sample in samples if sample.point_age is not None]
    if not years:
        raise ManifestError("the split 'train' holds no ages whose frequencies could be flattened")
    nats = -power * np.log(ages.frequencies(years))
    nats[:start] = nats[start]
    return tuple(np.round(nats - nats.min(), 4).tolist())
