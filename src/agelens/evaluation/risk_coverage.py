"""What refusing doubtful faces buys, and who is refused: the error that remains on the faces answered.

Risk and coverage: El-Yaniv & Wiener 2010, "On the foundations of noise-free selective classification".
"""

from __future__ import annotations

import numpy as np

from agelens.evaluation.groups import members
from agelens.evaluation.predictions import Floats, Predictions, known
from agelens.metrics import Estimate, bootstrap
from agelens.models.measurement import EVERYBODY, REFUSAL_THRESHOLDS, SMALL, Refusal, RiskCoverage

#: Shares of the faces that are answered, the best first.
SHARES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


def risk_coverage(predictions: Predictions, resamples: int = 300) -> tuple[RiskCoverage, ...]:
    """The figures that remain when the faces of least quality are refused; nothing below 50 faces."""
    if len(predictions) < SMALL:
        return ()
    error, right = np.abs(predictions.signed_error), predictions.right_gender
    rows = []
    for share in SHARES:
        threshold = float(np.quantile(predictions.quality, 1 - share, method="lower"))
        kept = predictions.quality >= threshold
        mae, accuracy = _mean(error[kept], resamples), _mean(right[kept], resamples)
        rows.append(RiskCoverage(float(kept.mean()), threshold, mae, accuracy))
    return tuple(rows)


def refusals(predictions: Predictions) -> tuple[Refusal, ...]:
    """Who is refused at each threshold of quality: all, then by band of true age, by gender, by group."""
    groups = [(EVERYBODY, EVERYBODY, np.arange(len(predictions))), *members(predictions)]
    return tuple(
        Refusal(by, name, len(rows), tuple(float(share) for share in _refused(predictions.quality[rows])))
        for by, name, rows in groups
        if "×" not in by
    )


def _refused(quality: Floats) -> Floats:
    return np.asarray((quality[:, None] < np.array(REFUSAL_THRESHOLDS)).mean(axis=0))


def _mean(values: Floats, resamples: int) -> Estimate | None:
    labelled = known(values)
    if not labelled.size:
        return None
    return bootstrap({"": lambda rows: float(labelled[rows].mean())}, len(labelled), resamples)[""]
