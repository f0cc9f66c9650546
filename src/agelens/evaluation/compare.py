"""Hold a model against another's predictions on the same faces: paired bootstrap of the differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from agelens import metrics
from agelens.data.manifest import read_table
from agelens.errors import LabelError, ManifestError
from agelens.evaluation.groups import Prediction
from agelens.labels import Gender, parse_gender

_CODE = {"0": Gender.MALE, "1": Gender.FEMALE, "male": Gender.MALE, "female": Gender.FEMALE}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another model on the faces that both answered.

    Attributes:
        name: of the other model.
        images: that both answered and that carry both labels.
        ours: figures of this model on them.
        theirs: figures of the other.
        differences: ours minus theirs, with their paired intervals.
    """

    name: str
    images: int
    ours: dict[str, float]
    theirs: dict[str, float]
    differences: dict[str, metrics.Estimate]


def compare(name: str, table: Path, predictions: Sequence[Prediction], resamples: int = 1000) -> Comparison:
    """Read another model's predictions and measure both on the same faces.

    Args:
        name: of the other model.
        table: a CSV with ``file`` (or ``image``), ``age`` in years, ``gender`` (male, female, or 0, 1).
        predictions: this model's.
        resamples: of the bootstrap.

    Raises:
        ManifestError: a column is missing, a cell is no answer, or no face is in both.
    """
    theirs = _read(table)
    both = [
        (p, theirs[PurePath(p.sample.image).name])
        for p in predictions
        if PurePath(p.sample.image).name in theirs
        and p.sample.age is not None
        and p.sample.gender is not None
    ]
    if not both:
        raise ManifestError(f"{table} answers none of the faces measured; they are matched by file name")
    true_age = np.array([p.sample.age for p, _ in both], dtype=np.float64)
    true_gender = np.array([p.sample.gender.position for p, _ in both if p.sample.gender is not None])
    answers = (
        (np.array([p.age for p, _ in both]), np.array([p.gender_index for p, _ in both])),
        (np.array([age for _, (age, _) in both]), np.array([gender for _, (_, gender) in both])),
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

    keys, everything = ("score", "mae", "rmse", "gender_accuracy"), np.arange(len(both))

    def difference(key: str) -> Callable[[NDArray[np.intp]], float]:
        return lambda rows: figure(key, 0, rows) - figure(key, 1, rows)

    return Comparison(
        name,
        len(both),
        {key: figure(key, 0, everything) for key in keys},
        {key: figure(key, 1, everything) for key in keys},
        metrics.bootstrap({key: difference(key) for key in keys}, len(both), resamples),
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
