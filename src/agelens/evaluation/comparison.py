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
from agelens.evaluation.predictions import Predictions
from agelens.labels import Gender, parse_gender

_CODE = {"0": Gender.MALE, "1": Gender.FEMALE, "male": Gender.MALE, "female": Gender.FEMALE}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another model on the faces that both answered.

    Attributes:
        name: the other model's name.
        images: faces that both answered and that carry both labels.
        ours: this model's figures on them.
        theirs: the other's figures.
        differences: ours minus theirs, with their paired intervals.
    """

    name: str
    images: int
    ours: dict[str, float]
    theirs: dict[str, float]
    differences: dict[str, metrics.Estimate]


def compare(name: str, table: Path, predictions: Predictions, resamples: int = 1000) -> Comparison:
    """Read another model's predictions and measure both on the same faces.

    Args:
        name: the other model's name.
        table: a CSV with ``file`` (or ``image``), ``age`` in years, ``gender`` (male, female, or 0, 1).
        predictions: this model's.
        resamples: draws of the bootstrap.

    Raises:
        ManifestError: a column is missing, a cell is no answer, or no face is in both.
    """
    theirs = _read(table)
    names = [PurePath(sample.image).name for sample in predictions.samples]
    labelled = predictions.exact & (predictions.true_gender >= 0)
    both = np.array(
        [row for row, name in enumerate(names) if name in theirs and labelled[row]], dtype=np.intp
    )
    if not both.size:
        raise ManifestError(f"{table} answers none of the faces measured; they are matched by file name")
    true_age, true_gender = predictions.true_age[both], predictions.true_gender[both]
    answers = (
        (predictions.age[both], predictions.gender[both]),
        tuple(np.array(column) for column in zip(*(theirs[names[row]] for row in both), strict=True)),
    )

    def figure(key: str, which: int, rows: NDArray[np.intp]) -> float:
        age, gender = answers[which][0][rows], answers[which][1][rows]
        match key:
            case "score":
                return metrics.competition_score(true_age[rows], age, true_gender[rows], gender)
            case "mae":
                return metrics.mae(true_age[rows], age)
            case "rmse":
                return metrics.rmse(true_age[rows], age)
        return metrics.accuracy(true_gender[rows], gender)

    keys, everything = ("score", "mae", "rmse", "gender_accuracy"), np.arange(both.size)

    def difference(key: str) -> Callable[[NDArray[np.intp]], float]:
        return lambda rows: figure(key, 0, rows) - figure(key, 1, rows)

    return Comparison(
        name,
        both.size,
        {key: figure(key, 0, everything) for key in keys},
        {key: figure(key, 1, everything) for key in keys},
        metrics.bootstrap({key: difference(key) for key in keys}, both.size, resamples),
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
