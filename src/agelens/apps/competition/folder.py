"""The competition's folder as a submission needs it: the test rows, their order, and what 0 and 1 mean.

For training, ``agelens.data.readers.competition`` reads the same folder into a manifest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agelens import ages
from agelens.data.manifest import read_table
from agelens.errors import LabelError, ManifestError
from agelens.inference.batch import read_each
from agelens.inference.predictor import Predictor
from agelens.labels import GENDERS, Gender, parse_age
from agelens.metrics import Estimate, bootstrap, competition_score

COLUMNS = ("id", "age", "gender")

#: Training images that the model answers to find the gender code; more would change the agreement little.
CODE_SAMPLE = 400

#: The least agreement with the training labels at which a gender code is believed.
LEAST_AGREEMENT = 0.8

GenderCode = dict[Gender, str]


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One labelled image: its file, age in years, and gender as the competition codes it."""

    path: Path
    age: float
    gender: str


@dataclass(frozen=True, slots=True)
class CompetitionFolder:
    """A competition's folder.

    Attributes:
        images: id -> file of every test image, in the order to be written.
        columns: of the submission, in order.
        training: the labelled images; empty where there is no ``train.csv``.
    """

    images: dict[str, Path]
    columns: tuple[str, ...]
    training: tuple[TrainingRow, ...]


@dataclass(frozen=True, slots=True)
class CodeEvidence:
    """What each gender is written as, and how the model did on the training images that said so.

    Attributes:
        code: what each gender is written as.
        agreement: the share of the images on which the model agrees.
        images: how many were read.
        score: the competition's score on them.
    """

    code: GenderCode
    agreement: float
    images: int
    score: Estimate


def read_competition_folder(folder: Path) -> CompetitionFolder:
    """Read ``test.csv``, and, where they exist, ``sample_submission.csv`` and ``train.csv``.

    Raises:
        ManifestError: a table is missing or lacks a column, an id occurs twice, or the sample and the test
            table name different ids.
    """
    rows = _table(folder / "test.csv", ("id", "full_path"))
    images: dict[str, Path] = {}
    for number, row in enumerate(rows, start=1):
        if row["id"] in images:
            raise ManifestError(f"{folder / 'test.csv'}, row {number}, column id: {row['id']!r} twice")
        images[row["id"]] = folder / row["full_path"]
    columns: tuple[str, ...] = COLUMNS
    if (sample := folder / "sample_submission.csv").is_file():
        wanted = _table(sample, COLUMNS)
        columns = tuple(wanted[0])
        if extra := ", ".join(sorted(set(columns) - set(COLUMNS))):
            raise ManifestError(f"{sample} asks for columns AgeLens cannot answer: {extra}")
        order = [row["id"] for row in wanted]
        if sorted(order) != sorted(images):
            odd = sorted(set(order) ^ set(images))[:3] or [i for i, n in Counter(order).items() if n > 1][:3]
            raise ManifestError(f"{sample} and test.csv do not name the same ids once each: {', '.join(odd)}")
        images = {name: images[name] for name in order}
    training: list[TrainingRow] = []
    if (train := folder / "train.csv").is_file():
        for number, row in enumerate(_table(train, ("full_path", "age", "gender")), start=1):
            try:
                age, _ = parse_age(row["age"])
            except LabelError as error:
                raise ManifestError(f"{train}, row {number}, column age: {error}") from error
            # A column of whole numbers may have been saved as floats.
            gender = row["gender"].strip().removesuffix(".0")
            training.append(TrainingRow(folder / row["full_path"], age, gender))
    return CompetitionFolder(images, columns, tuple(training))


def find_gender_code(predictor: Predictor, training: tuple[TrainingRow, ...]) -> CodeEvidence:
    """Let the model's answers on training images say which code is which gender.

    Raises:
        ManifestError: there are not two codes, no image can be read, or neither way round agrees with at
            least 80 % of the labels.
    """
    codes = sorted({row.gender for row in training})
    if len(codes) != len(GENDERS):
        found = ", ".join(codes) or "none"
        raise ManifestError(f"train.csv, column gender: two codes are expected, not {found}")
    order = np.random.default_rng(0).permutation(len(training))[:CODE_SAMPLE]
    rows = [training[index] for index in order]
    answers = read_each(predictor, [row.path for row in rows])
    if not answers.rows:
        raise ManifestError("no training image could be read, so the gender code cannot be found")
    second = np.array([rows[row].gender == codes[1] for row in answers.rows])
    female = answers.reading.gender[:, 0] < 0.5
    straight = float(np.mean(second == female))
    agreement = max(straight, 1 - straight)
    if agreement < LEAST_AGREEMENT:
        raise ManifestError(
            f"the gender code cannot be told from train.csv: on {len(answers.rows)} of its images the model "
            f"agrees with {codes[1]}=female on {straight:.0%} and with {codes[1]}=male on "
            f"{1 - straight:.0%}; {LEAST_AGREEMENT:.0%} is asked for. Look at some images and say "
            "--gender-code 0=male,1=female or the reverse, and check that the model and --detector suit them"
        )
    code = dict(zip(GENDERS, codes if straight >= 0.5 else reversed(codes), strict=True))
    true_age = np.array([rows[row].age for row in answers.rows])
    true_gender = second if straight >= 0.5 else ~second
    age = ages.point(answers.reading.age, "mean")

    def score(drawn: NDArray[np.intp]) -> float:
        return competition_score(true_age[drawn], age[drawn], true_gender[drawn], female[drawn])

    estimate = bootstrap({"score": score}, len(answers.rows))["score"]
    return CodeEvidence(code, agreement, len(answers.rows), estimate)


def _table(path: Path, required: tuple[str, ...]) -> list[dict[str, str]]:
    rows = read_table(path, required)
    if not rows:
        raise ManifestError(f"{path} has no rows")
    return rows
