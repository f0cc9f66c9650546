"""How often intervals without fault would pass: every band and level within five points of what they promise.

    python benchmarks/coverage_by_chance.py

Each band's quantile is fitted on as many uniform scores as there are calibration faces in it (about), and
measured on as many as UTKFace's ``test`` has. What is left is chance.
"""

from __future__ import annotations

import numpy as np

from agelens.conformal import REPORTED_LEVELS

#: Faces by band of predicted age, 0–7 to 58–100: on ``test``, and on the calibration faces.
MEASURED = (404, 210, 607, 1095, 450, 370, 477)
FITTED = (269, 130, 406, 840, 319, 285, 302)
TRIES = 4000
WITHIN = 0.05


def passes(rng: np.random.Generator, times: float) -> bool:
    """One try, with so many times the calibration faces."""
    levels = np.asarray(REPORTED_LEVELS)
    for faces, fitted in zip(MEASURED, FITTED, strict=True):
        count = round(fitted * times)
        corrected = np.minimum(levels * (count + 1) / count, 1.0)
        told = np.quantile(rng.random(count), corrected, method="higher")
        held = (rng.random(faces)[:, None] <= told).mean(axis=0)
        if (np.abs(held - levels) > WITHIN).any():
            return False
    return True


def main() -> None:
    rng = np.random.default_rng(0)
    for times in (1, 2, 100):
        share = np.mean([passes(rng, times) for _ in range(TRIES)])
        print(f"{times:>3} times the calibration faces: all within {WITHIN:.0%} in {share:.0%} of tries")


if __name__ == "__main__":
    main()
