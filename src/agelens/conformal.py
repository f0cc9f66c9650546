"""Intervals that hold as often as they say: split conformal prediction on the age distributions.

The score of a labelled face is how far from the median of its distribution the true age lies, as the level of
the smallest central interval that holds it: |2 F(y) - 1|, in 0..1 (Chernozhukov, Wüthrich & Zhu 2021,
"Distributional conformal prediction"). The interval asked for at a level is then the central one at that
level's quantile of the scores of a calibration split, with the finite-sample correction (n + 1) / n (Vovk et
al. 2005). One table holds for all; one for each band of predicted age (Mondrian conformal prediction, Vovk
2003) keeps children and old people from paying for the middle; the bands are drawn towards the whole, since
some hold few faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from agelens import ages

#: Levels that the table holds; between them it is interpolated.
LEVELS = tuple(round(0.50 + 0.01 * step, 2) for step in range(50))

#: Shown in reports.
REPORTED_LEVELS = (0.5, 0.8, 0.9, 0.95)

#: Lower ends of the bands of predicted age, in years.
BANDS = (0, 8, 18, 26, 36, 46, 58)

#: Faces. A band of this many counts as much as the whole does.
POOLING = 60.0

#: No level above this: a central interval that holds all mass would be 0..100.
HIGHEST = 0.9998


class ConformalTable(BaseModel):
    """What central level to take for a level asked for, by band of predicted age.

    Attributes:
        levels: asked for, rising.
        bands: lower ends of the bands of predicted age, years, from 0.
        central: a row a band, a column a level: the level of the central interval that holds so often.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: tuple[float, ...]
    bands: tuple[float, ...]
    central: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _fits(self) -> ConformalTable:
        shape = {len(row) for row in self.central}
        if len(self.central) != len(self.bands) or shape != {len(self.levels)} or self.bands[0] != 0:
            raise ValueError("a row a band (the first from age 0) and a column a level are expected")
        return self

    def central_levels(self, predicted_age: ArrayLike, level: float) -> NDArray[np.float64]:
        """The central level to take for each face: (n,) years -> (n,) in 0..1."""
        by_band = np.array([np.interp(level, self.levels, row) for row in self.central])
        band = np.searchsorted(self.bands, np.asarray(predicted_age, dtype=np.float64), side="right") - 1
        return np.asarray(by_band[np.clip(band, 0, len(self.bands) - 1)])


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
    bands: Sequence[float] = BANDS,
    levels: Sequence[float] = LEVELS,
    pooling: float = POOLING,
) -> ConformalTable:
    """Fit the table on a calibration split that training has not seen.

    Args:
        probabilities: (n, 101), tempered if the answers will be.
        true_age: (n,) years.
        bands: lower ends of the bands of predicted age.
        levels: to hold.
        pooling: how many faces of its own make a band count as much as the whole.

    Raises:
        ValueError: there are fewer than 50 faces.
    """
    score = scores(probabilities, true_age)
    if len(score) < 50:
        raise ValueError(f"{len(score)} faces are too few to calibrate intervals on; 50 are the least")
    band = np.searchsorted(bands, ages.expectation(probabilities), side="right") - 1
    overall = _quantiles(score, levels)
    rows = []
    for index in range(len(bands)):
        own = score[band == index]
        share = len(own) / (len(own) + pooling)
        rows.append(share * _quantiles(own, levels) + (1 - share) * overall if len(own) else overall)
    table = [tuple(np.round(np.minimum(row, HIGHEST), 4).tolist()) for row in rows]
    return ConformalTable(levels=tuple(levels), bands=tuple(bands), central=tuple(table))


def _quantiles(score: NDArray[np.float64], levels: Sequence[float]) -> NDArray[np.float64]:
    corrected = np.minimum(np.asarray(levels) * (len(score) + 1) / len(score), 1.0)
    return np.asarray(np.quantile(score, corrected, method="higher"))
