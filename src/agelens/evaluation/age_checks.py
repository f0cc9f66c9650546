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
from agelens.labels import GENDERS

THRESHOLDS = (13, 16, 18, 21)
MARGINS = (0, 3, 5, 7, 10)
EVERYBODY = "all"


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
        among: whom it was measured on: ``all``, a gender, or one of the manifest's groups.
    """

    threshold: int
    challenge: int
    minors: int
    passed: float
    interval: tuple[float, float]
    turned_away: float | None
    among: str = EVERYBODY


def age_checks(predictions: Sequence[Prediction]) -> tuple[AgeCheck, ...]:
    """Every threshold and challenge age, on the faces whose exact age is known; all, then by group."""
    known = [p for p in predictions if p.sample.age is not None]
    checks = _checks(EVERYBODY, known)
    for gender in GENDERS:
        checks += _checks(str(gender), [p for p in known if p.sample.gender is gender])
    for group in sorted({p.sample.group for p in known if p.sample.group}):
        checks += _checks(group, [p for p in known if p.sample.group == group])
    return tuple(checks)


def _checks(among: str, predictions: Sequence[Prediction]) -> list[AgeCheck]:
    pairs = [(p.sample.age, p.age) for p in predictions]
    true, answer = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    checks: list[AgeCheck] = []
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
                    among,
                )
            )
    return checks


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which holds near 0 too, where the usual one fails."""
    share = hits / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)
