"""How often age intervals hold, at several levels, for every band of predicted age.

Conformal coverage is marginal: 90 % overall can hide 60 % among the old. Bands are of the predicted age,
which is what a user of the answer knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agelens import ages, metrics
from agelens.conformal import REPORTED_LEVELS, ConformalTable, interval

#: Lower ends of the bands of predicted age that coverage is reported by, in years.
BANDS = (0, 8, 18, 26, 36, 46, 58)


@dataclass(frozen=True, slots=True)
class Coverage:
    """One band of predicted age (or all): how often the intervals of each level hold, and their mean width.

    Attributes:
        band: as in ``18–25``, years; ``all`` for the whole.
        images: in the band.
        held: a share a level.
        widths: years, a level.
    """

    band: str
    images: int
    held: tuple[float, ...]
    widths: tuple[float, ...]


def coverage_by_band(
    probabilities: ages.FloatArray,
    true_age: ArrayLike,
    table: ConformalTable | None,
    levels: Sequence[float] = REPORTED_LEVELS,
) -> tuple[Coverage, ...]:
    """Coverage and width by band of predicted age, the whole first: (n, 101), (n,) years."""
    truth = np.asarray(true_age, dtype=np.float64)
    if not len(truth):
        return ()
    bounds = [interval(probabilities, level, table) for level in levels]
    mean = ages.expectation(probabilities)
    bands = [("all", np.ones(len(truth), dtype=bool))]
    for low, end in zip(BANDS, (*BANDS[1:], 101), strict=True):
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
