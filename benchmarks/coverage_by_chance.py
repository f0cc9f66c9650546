"""How often intervals without fault would pass: every band and level within five points of what they promise.

    python benchmarks/coverage_by_chance.py

Each band's quantile is fitted on as many uniform scores as it has calibration faces, if these are spread over
the bands as the measured faces are, and measured on as many as the model in the package has there, by its
recorded figures, on UTKFace's ``test``. What is left is chance.
"""

from __future__ import annotations

import numpy as np

from agelens.conformal import REPORTED_LEVELS
from agelens.models.catalogue import resolve

TRIES = 4000
WITHIN = 0.05


def passes(rng: np.random.Generator, measured: list[int], share: float) -> bool:
    """One try: bands of so many faces, of which each has this share of as many calibration faces."""
    levels = np.asarray(REPORTED_LEVELS)
    for faces in measured:
        count = round(faces * share)
        corrected = np.minimum(levels * (count + 1) / count, 1.0)
        told = np.quantile(rng.random(count), corrected, method="higher")
        held = (rng.random(faces)[:, None] <= told).mean(axis=0)
        if (np.abs(held - levels) > WITHIN).any():
            return False
    return True


def main() -> None:
    rng, bundle = np.random.default_rng(0), resolve("embedded")
    bands = bundle.measurements()["utkface test"].coverage
    measured = [band.images for band in bands if band.band != "all"]
    fitted = bundle.spec.calibration.images / sum(measured)
    for times in (1, 2, 100):
        share = np.mean([passes(rng, measured, fitted * times) for _ in range(TRIES)])
        print(f"{times:>3} times the calibration faces: all within {WITHIN:.0%} in {share:.0%} of tries")


if __name__ == "__main__":
    main()
