"""Intervals that hold as often as they say: split conformal prediction on the age distributions.

The score of a labelled face is the level of the smallest central interval that holds its true age,
|2 F(y) - 1| (Chernozhukov, Wüthrich & Zhu 2021, "Distributional conformal prediction"). The interval at a
level is the central one at that level's quantile of a calibration split's scores, with the finite-sample
correction (n + 1) / n (Vovk et al. 2005). So that children and old people do not pay for the middle, each
predicted age has its own quantile, over the faces predicted nearest to it (localised, Guan 2023).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from agelens import ages

#: The coverages that the table holds; between them it is interpolated.
LEVELS = (*(round(0.50 + 0.05 * step, 2) for step in range(10)), 0.97, 0.98, 0.99)

#: The coverages that reports show, and that cross-validation judges by.
REPORTED_LEVELS = (0.5, 0.8, 0.9, 0.95)

#: Lower ends of the bands of predicted age, years: narrow where scores change within a year, as between
#: toddlers whose predicted ages are 1.0 and 1.5.
TABLE_BANDS = (*(0.25 * step for step in range(40)), *(10.0 + step for step in range(70)))

#: Numbers of neighbours that cross-validation tries, besides all faces.
NEIGHBOURS = (100, 150, 200, 300, 400, 600, 800, 1200, 2000)

FOLDS = 10  # of the cross-validation

#: The highest central level: an interval that holds all of the mass would be 0..100.
HIGHEST = 0.9998


class ConformalTable(BaseModel):
    """The central level that has the coverage asked for, by band of predicted age.

    Attributes:
        levels: the levels that can be asked for, rising.
        bands: the lower ends of the bands of predicted age, years, from 0.
        central: (bands, levels): the level of the central interval that has the coverage asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: tuple[float, ...]
    bands: tuple[float, ...]
    central: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _fits(self) -> ConformalTable:
        shape = {len(row) for row in self.central}
        if len(self.central) != len(self.bands) or shape != {len(self.levels)} or self.bands[0] != 0:
            raise ValueError("a conformal table has a row a band, the first from age 0, and a column a level")
        return self

    def central_levels(self, predicted_age: ArrayLike, level: float) -> NDArray[np.float64]:
        """The central level with the coverage ``level``: (n,) predicted ages, years -> (n,) in 0..1."""
        place = float(np.interp(level, self.levels, range(len(self.levels))))
        band = np.maximum(np.searchsorted(self.bands, np.asarray(predicted_age), side="right") - 1, 0)
        low, high = self._table[band, math.floor(place)], self._table[band, math.ceil(place)]
        return np.asarray(low + (place % 1) * (high - low))

    @cached_property
    def _table(self) -> NDArray[np.float64]:
        return np.array(self.central)


def interval(
    probabilities: ages.FloatArray, level: float, table: ConformalTable | None
) -> NDArray[np.float64]:
    """The age interval of each face: (n, 101) -> (n, 2) years; the plain central one without a table."""
    if table is None:
        return ages.interval(probabilities, level)
    tail = (1 - table.central_levels(ages.expectation(probabilities), level)) / 2
    return np.stack([ages.quantile(probabilities, tail), ages.quantile(probabilities, 1 - tail)], axis=-1)


def scores(probabilities: ages.FloatArray, true_age: ArrayLike) -> NDArray[np.float64]:
    """The level of the smallest central interval that holds each true age: (n, 101), (n,) -> (n,) in 0..1."""
    return np.asarray(np.abs(2 * ages.cdf(probabilities, true_age) - 1))


def fit(
    probabilities: ages.FloatArray,
    true_age: ArrayLike,
    *,
    bands: Sequence[float] = TABLE_BANDS,
    levels: Sequence[float] = LEVELS,
    neighbours: int | None = None,
) -> ConformalTable:
    """Fit the table on calibration faces that training has not seen: (n, 101), (n,) years.

    The probabilities have the temperature that the answers will have. ``neighbours`` is the number of faces
    for each band's quantiles; None lets cross-validation choose it: few follow the ages, many are steady.

    Raises:
        ValueError: there are fewer than 50 faces.
    """
    score = scores(probabilities, true_age)
    if len(score) < 50:
        raise ValueError(f"{len(score)} faces are too few to calibrate intervals on; 50 are the least")
    mean = ages.expectation(probabilities)
    count = choose_neighbours(score, mean) if neighbours is None else neighbours
    centres = (np.asarray(bands) + np.asarray([*bands[1:], 101])) / 2
    nearest = _nearest(mean, centres)[:, :count]
    central = np.round(np.minimum(_quantiles(score[nearest], levels), HIGHEST), 4)
    return ConformalTable(
        levels=tuple(levels), bands=tuple(bands), central=tuple(map(tuple, central.tolist()))
    )


def choose_neighbours(score: NDArray[np.float64], predicted_age: NDArray[np.float64]) -> int:
    """The number of neighbours, chosen by cross-validation: (n,) scores, (n,) years -> a number.

    The loss is the pinball loss at the reported levels, which the true quantile minimises (Koenker & Bassett
    1978). The one-standard-error rule (Hastie, Tibshirani & Friedman 2009, section 7.10) takes the most
    neighbours whose loss is within one standard error of the least.
    """
    size = len(score)
    fold = np.random.default_rng(0).permutation(size) % FOLDS
    candidates = [count for count in NEIGHBOURS if count < size * (FOLDS - 1) // FOLDS] + [size]
    losses = np.zeros((FOLDS, len(candidates)))
    level = np.asarray(REPORTED_LEVELS)
    for left_out in range(FOLDS):
        own, others = fold == left_out, fold != left_out
        nearest = _nearest(predicted_age[others], predicted_age[own])
        for column, count in enumerate(candidates):
            told = _quantiles(score[others][nearest[:, :count]], REPORTED_LEVELS)
            miss = score[own][:, None] - told
            losses[left_out, column] = np.maximum(level * miss, (level - 1) * miss).mean()
    beyond = losses - losses[:, [int(losses.mean(axis=0).argmin())]]
    error = beyond.std(axis=0, ddof=1) / np.sqrt(FOLDS)
    return candidates[int(np.flatnonzero(beyond.mean(axis=0) <= error)[-1])]


def _nearest(predicted_age: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.intp]:
    """Positions of the faces, the nearest in predicted age first: (n,), (m,) years -> (m, n)."""
    return np.argsort(np.abs(predicted_age[None, :] - at[:, None]), axis=1, kind="stable")


def _quantiles(score: NDArray[np.float64], levels: Sequence[float]) -> NDArray[np.float64]:
    """The quantiles of each row, with the finite-sample correction: (m, n) scores -> (m, levels)."""
    count = score.shape[1]
    corrected = np.minimum(np.asarray(levels) * (count + 1) / count, 1.0)
    return np.asarray(np.quantile(score, corrected, axis=1, method="higher").T)
