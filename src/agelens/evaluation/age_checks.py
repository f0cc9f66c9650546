"""Age checks in the manner of NIST's evaluations (NISTIR 8525): how many minors a challenge age lets pass.

A check for people of ``threshold`` years passes a face whose predicted age is at least ``challenge`` years.
Raising the challenge age lets fewer minors pass, and turns more adults away to show their papers.
"""

from __future__ import annotations

import math

from agelens.evaluation.predictions import Floats, Predictions
from agelens.labels import GENDERS
from agelens.models.measurement import EVERYBODY, AgeCheck

#: Ages asked for, years, and how far above them the challenge age lies.
THRESHOLDS = (13, 16, 18, 21, 25)
MARGINS = (0, 3, 5, 7, 10)


def age_checks(predictions: Predictions) -> tuple[AgeCheck, ...]:
    """Every threshold and challenge age, on the faces whose exact age is known; all, then by group."""
    exact, groups = predictions.exact, predictions.groups
    among = {EVERYBODY: exact}
    among |= {str(gender): exact & (predictions.true_gender == gender.position) for gender in GENDERS}
    among |= {group: exact & (groups == group) for group in sorted(set(groups[exact].tolist()) - {""})}
    return tuple(
        check
        for name, rows in among.items()
        for check in _checks(name, predictions.true_age[rows], predictions.age[rows])
    )


def _checks(among: str, true: Floats, answer: Floats) -> list[AgeCheck]:
    checks = []
    for threshold in THRESHOLDS:
        minor = true < threshold
        minors, of_age = int(minor.sum()), int((~minor).sum())
        if not minors:
            continue
        for challenge in (threshold + margin for margin in MARGINS):
            passes = answer >= challenge
            passed, away = int((passes & minor).sum()), int((~passes & ~minor).sum())
            checks.append(
                AgeCheck(
                    threshold,
                    challenge,
                    minors,
                    passed / minors,
                    wilson(passed, minors),
                    away / of_age if of_age else None,
                    among,
                    of_age,
                    wilson(away, of_age) if of_age else None,
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
