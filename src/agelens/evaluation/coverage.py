"""How often age intervals hold, at several levels, for every band of predicted age.

Conformal coverage is marginal: 90 % overall can hide 60 % among the old. Bands are of the predicted age,
which is what a user of the answer knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from agelens import ages, metrics
from agelens.conformal import REPORTED_LEVELS, ConformalTable, interval
from agelens.labels import MAX_AGE
from agelens.models.measurement import Coverage

#: Lower ends of the bands of predicted age that coverage is reported by, in years.
PREDICTED_AGE_BANDS = (0, 8, 18, 26, 36, 46, 58)


def coverage_by_band(
    probabilities: ages.FloatArray,
    true_age: ArrayLike,
    table: ConformalTable | None,
    levels: Sequence[float] = REPORTED_LEVELS,
) -> tuple[Coverage, ...]:
    """Coverage and width by band of predicted age, the whole first: (n, 101), (n,) years."""
    truth = np.asarray(true_age, dtype=np.float64)
    bounds = [interval(probabilities, level, table) for level in levels] if len(truth) else []
    mean = ages.expectation(probabilities)
    bands = [("all", np.ones(len(truth), dtype=bool))]
    for low, end in zip(PREDICTED_AGE_BANDS, (*PREDICTED_AGE_BANDS[1:], MAX_AGE + 1), strict=True):
        bands.append((f"{low}–{end - 1}", (mean >= low) & (mean < end)))
    return tuple(
        Coverage(
            name,
            int(inside.sum()),
            tuple(metrics.coverage(truth[inside], b[inside]) for b in bounds),
            tuple(metrics.interval_width(b[inside]) for b in bounds),
        )
        for name, inside in bands
        if inside.any()
    )
