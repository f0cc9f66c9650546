"""Age checks in the manner of NIST's evaluations (NISTIR 8525): how many minors a challenge age lets pass.

A check for people of ``threshold`` years passes a face whose predicted age is at least ``challenge`` years.
Raising the challenge age lets fewer minors pass, and turns more adults away to show their papers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agelens.evaluation.groups import Prediction

THRESHOLDS = (13, 16, 18, 21)
MARGINS = (0, 3, 5, 7, 10)


@dataclass(frozen=True, slots=True)
class AgeCheck:
    """One threshold at one challenge age.

    Attributes:
        threshold: years asked for.
        challenge: predicted years from which a face passes.
        minors: faces below the threshold.
        passed: the share of them that pass: the false-positive rate.
        interval: its 95 % Wilson interval.
        turned_away: the share of faces of age that do not pass; None where there are none.
    """

    threshold: int
    challenge: int
    minors: int
    passed: float
    interval: tuple[float, float]
    turned_away: float | None


def age_checks(predictions: Sequence[Prediction]) -> tuple[AgeCheck, ...]:
    """Every threshold and challenge age, on the faces whose exact age is known."""
    known = [(p.sample.age, p.age) for p in predictions if p.sample.age is not None]
    true, answer = np.array(known, dtype=np.float64).reshape(-1, 2).T
    checks = []
    for threshold in THRESHOLDS:
        minor = true < threshold
        if not minor.any():
            continue
        for margin in MARGINS:
            passes = answer >= threshold + margin
            passed = int((passes & minor).sum())
            checks.append(
                AgeCheck(
                    threshold,
                    threshold + margin,
                    int(minor.sum()),
                    passed / int(minor.sum()),
                    wilson(passed, int(minor.sum())),
                    float(np.mean(~passes[~minor])) if (~minor).any() else None,
                )
            )
    return tuple(checks)


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which holds near 0 too, where the usual one fails."""
    share = hits / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)
