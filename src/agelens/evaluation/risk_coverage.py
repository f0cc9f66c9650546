"""What refusing doubtful faces buys: the error that remains on the faces answered (risk–coverage).

El-Yaniv & Wiener 2010, "On the foundations of noise-free selective classification".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agelens import metrics
from agelens.evaluation.groups import SMALL, Prediction

#: Shares of the faces that are answered, the best first.
SHARES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


@dataclass(frozen=True, slots=True)
class Refusing:
    """One threshold of quality.

    Attributes:
        answered: the share of faces at or above it.
        min_quality: the threshold, for ``predict --min-quality``.
        mae: of the faces answered, years; None where no age is labelled.
        gender_accuracy: of the faces answered; None where no gender is labelled.
    """

    answered: float
    min_quality: float
    mae: metrics.Estimate | None
    gender_accuracy: metrics.Estimate | None


def refusing(predictions: Sequence[Prediction], resamples: int = 300) -> tuple[Refusing, ...]:
    """The figures that remain when the faces of least quality are refused; none for few faces."""
    if len(predictions) < SMALL:
        return ()
    quality = np.array([p.quality for p in predictions])
    rows = []
    for share in SHARES:
        threshold = float(np.quantile(quality, 1 - share, method="lower"))
        kept = [p for p in predictions if p.quality >= threshold]
        aged = [(p.sample.point_age, p.age) for p in kept if p.sample.point_age is not None]
        gendered = [(p.sample.gender.position, p.gender_index) for p in kept if p.sample.gender is not None]
        rows.append(
            Refusing(
                len(kept) / len(predictions),
                threshold,
                _mean(np.abs(np.subtract(*np.array(aged).T)), resamples) if aged else None,
                _mean(np.equal(*np.array(gendered).T), resamples) if gendered else None,
            )
        )
    return tuple(rows)


def _mean(values: np.ndarray, resamples: int) -> metrics.Estimate:
    return metrics.bootstrap({"": lambda rows: float(values[rows].mean())}, len(values), resamples)[""]
