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
from agelens.evaluation.groups import age_bands
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
    bounds = [interval(probabilities, level, table) for level in levels]
    names, positions = age_bands(ages.expectation(probabilities), PREDICTED_AGE_BANDS)
    bands = [("all", positions >= 0), *((name, positions == place) for place, name in enumerate(names))]
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
