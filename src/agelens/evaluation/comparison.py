"""Hold a model against another's predictions on the same faces: paired bootstrap of the differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from agelens import metrics
from agelens.data.manifest import read_table
from agelens.errors import LabelError, ManifestError
from agelens.evaluation.predictions import Floats, Predictions
from agelens.labels import Gender, parse_gender

_CODE = {"0": Gender.MALE, "1": Gender.FEMALE, "male": Gender.MALE, "female": Gender.FEMALE}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another model's figures on the faces that both answered, beside this model's."""

    name: str  # the other model's
    images: int  # that both answered and that carry both labels
    ours: dict[str, float]
    theirs: dict[str, float]
    differences: dict[str, metrics.Estimate]  # ours minus theirs, with their paired intervals


def compare(name: str, table: Path, predictions: Predictions, resamples: int = 1000) -> Comparison:
    """Read another model's predictions and measure both on the same faces.

    ``table`` is a CSV with ``file`` (or ``image``), ``age`` in years, ``gender`` (male, female, or 0, 1).

    Raises:
        ManifestError: a column is missing, a cell is no answer, or no face is in both.
    """
    theirs = _read(table)
    names = [PurePath(sample.image).name for sample in predictions.samples]
    labelled = predictions.exact & predictions.with_gender
    both = np.flatnonzero(labelled & np.array([name in theirs for name in names], dtype=bool))
    if not both.size:
        raise ManifestError(
            f"{table} answers none of the faces measured that have an age and a gender of both the label and "
            "the model; they are matched by file name"
        )
    true_age, true_gender = predictions.true_age[both], predictions.true_gender[both]

    def figures(age: Floats, gender: NDArray[np.int64]) -> dict[str, Callable[[NDArray[np.intp]], float]]:
        return {
            "score": lambda i: metrics.competition_score(true_age[i], age[i], true_gender[i], gender[i]),
            "mae": lambda i: metrics.mae(true_age[i], age[i]),
            "rmse": lambda i: metrics.rmse(true_age[i], age[i]),
            "gender_accuracy": lambda i: metrics.accuracy(true_gender[i], gender[i]),
        }

    ours = figures(predictions.age[both], predictions.gender[both])
    others = figures(*map(np.array, zip(*(theirs[names[row]] for row in both), strict=True)))
    differences = {key: (lambda i, key=key: ours[key](i) - others[key](i)) for key in ours}
    everything = np.arange(both.size)
    return Comparison(
        name,
        both.size,
        {key: figure(everything) for key, figure in ours.items()},
        {key: figure(everything) for key, figure in others.items()},
        metrics.bootstrap(differences, both.size, resamples),
    )


def _read(table: Path) -> dict[str, tuple[float, int]]:
    rows = read_table(table)
    key = next((column for column in ("file", "image") if rows and column in rows[0]), None)
    if key is None or not {"age", "gender"} <= set(rows[0]):
        raise ManifestError(f"{table} must have the columns file (or image), age and gender, and rows")
    answers: dict[str, tuple[float, int]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            gender = parse_gender(row["gender"], _CODE)
            age = float(row["age"])
        except (LabelError, ValueError) as error:
            raise ManifestError(f"{table}, row {number}: {error}") from error
        if gender is None or not np.isfinite(age):
            raise ManifestError(f"{table}, row {number}: an age and a gender are expected")
        answers[PurePath(row[key]).name] = age, gender.position
    return answers
