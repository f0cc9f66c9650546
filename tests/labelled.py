"""Answers to labelled faces, as several tests of the evaluation make them up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from agelens.evaluation.predictions import Predictions
from agelens.labels import Sample


def predictions_of(
    samples: Sequence[Sample],
    answers: Sequence[float],
    male: ArrayLike = 0.9,
    quality: ArrayLike = 1.0,
    eyes: Sequence[float] | None = None,
) -> Predictions:
    """The ages answered, with intervals of five years to either side."""
    age, count = np.array(answers, dtype=np.float64), len(samples)
    return Predictions(
        tuple(samples),
        age,
        np.stack([age - 5, age + 5], axis=1),
        np.broadcast_to(np.asarray(male, dtype=np.float64), count),
        np.broadcast_to(np.asarray(quality, dtype=np.float64), count),
        None if eyes is None else np.array(eyes, dtype=np.float64),
    )
