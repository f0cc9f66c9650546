"""Answer every test row of a competition, and check the file before calling it done."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agelens import ages
from agelens.apps.competition.expected import ExpectedScore, expected_scores
from agelens.apps.competition.folder import (
    CodeEvidence,
    CompetitionFolder,
    find_gender_code,
    read_competition_folder,
)
from agelens.data.manifest import read_table
from agelens.errors import AgeLensError, ManifestError
from agelens.files import check_output, write_csv
from agelens.inference.answers import average
from agelens.inference.batch import read_each
from agelens.inference.predictor import Predictor
from agelens.labels import GENDERS, MAX_AGE, MIN_AGE, Gender
from agelens.models.spec import HEADS


@dataclass(frozen=True, slots=True)
class SubmissionReport:
    """What was written.

    Attributes:
        output: the file.
        rows: its rows.
        code: the code that each gender was written as.
        evidence: how the code was found; None where it was given.
        problems: id -> why its image could not be read; its row has the training set's typical answer.
        ages: (rows,) years, as written.
        genders: code -> rows.
        expected: the scores that were measured of the models; see ``expected``.
    """

    output: Path
    rows: int
    code: dict[Gender, str]
    evidence: CodeEvidence | None
    problems: dict[str, str]
    ages: tuple[float, ...]
    genders: dict[str, int]
    expected: tuple[ExpectedScore, ...]


def submit(
    predictors: Sequence[Predictor],
    folder: Path,
    output: Path,
    *,
    gender_code: Mapping[str, Gender] | None = None,
    flip: bool = False,
    round_ages: bool = False,
    point: ages.PointEstimate = "mean",
    progress: Callable[[int], None] = lambda done: None,
) -> SubmissionReport:
    """Write the submission for a competition's folder, whole or not at all.

    Args:
        predictors: one or more models, whose distributions are averaged.
        folder: ``face_dataset/``, with ``test.csv``.
        output: the CSV; beside it, ``*.problems.csv`` names the images that could not be read.
        gender_code: what the competition's codes mean; None lets the model's answers on ``train.csv`` decide.
        flip: average each face with its mirror image.
        round_ages: write whole years. It costs score; some competitions ask for it.
        point: which age of each distribution is written; the competition's RMSE wants the mean.
        progress: told how many images are done, of all models together.

    Raises:
        ManifestError: the folder is not a competition's, or the gender code cannot be told.
        OutputError: the submission cannot be written, or would replace a table of the competition.
    """
    if not predictors:
        raise AgeLensError("no model to answer with")
    specs = [predictor.bundle.spec for predictor in predictors]
    for spec in specs:
        if missing := [head for head in HEADS if head not in spec.heads]:
            raise AgeLensError(
                f"a submission holds age and gender, and the model {spec.name!r} has not learnt {missing[0]}"
            )
    tables = ("test.csv", "train.csv", "sample_submission.csv")
    check_output(output, ".csv", inputs=[folder / name for name in tables])
    competition = read_competition_folder(folder)
    evidence = None
    if gender_code is not None:
        code = {gender: text for text, gender in gender_code.items()}
    elif competition.training:
        evidence = find_gender_code(predictors[0], competition.training)
        code = evidence.code
    else:
        raise ManifestError(
            f"{folder} has no train.csv to find the gender code from; "
            "say --gender-code 0=male,1=female or the reverse"
        )
    names, paths = list(competition.images), list(competition.images.values())

    def told_from(start: int) -> Callable[[int], None]:
        return lambda done: progress(start + done)

    batches = [
        read_each(predictor, paths, flip=flip, progress=told_from(number * len(paths)))
        for number, predictor in enumerate(predictors)
    ]
    read, unread = batches[0].rows, batches[0].errors
    if not read:
        raise ManifestError("no test image could be read; is the folder complete?")
    reading = average([batch.reading for batch in batches])
    years = ages.point(reading.age, point).tolist()
    genders = [code[GENDERS[int(male < 0.5)]] for male in reading.gender[:, 0]]
    answers = dict(zip(read, zip(years, genders, strict=True), strict=True))
    known = [(row.age, row.gender) for row in competition.training] or list(answers.values())
    typical = statistics.median(age for age, _ in known), statistics.mode(gender for _, gender in known)
    rows = []
    for number, name in enumerate(names):
        age, gender = answers.get(number, typical)
        text = str(round(age)) if round_ages else f"{age:.6f}"
        rows.append({"id": name, "age": text, "gender": gender})
    write_csv(output, competition.columns, ([row[one] for one in competition.columns] for row in rows))
    problems = {names[number]: why for number, why in unread.items()}
    beside = output.with_suffix(".problems.csv")
    beside.unlink(missing_ok=True)  # an earlier run's
    if problems:
        listed = ((name, competition.images[name], why) for name, why in problems.items())
        write_csv(beside, ("id", "image", "problem"), listed)
    check_submission(output, competition)
    return SubmissionReport(
        output=output,
        rows=len(rows),
        code=code,
        evidence=evidence,
        problems=problems,
        ages=tuple(float(row["age"]) for row in rows),
        genders=dict(Counter(row["gender"] for row in rows)),
        expected=expected_scores(specs, evidence),
    )


def check_submission(path: Path, competition: CompetitionFolder) -> None:
    """Read a submission back and hold it against what the competition asks for.

    Raises:
        ManifestError: wrong columns or ids, or an answer that is no age or no gender.
    """
    rows = read_table(path)
    if not rows or tuple(rows[0]) != competition.columns:
        raise ManifestError(f"{path}: columns must be {', '.join(competition.columns)}, in this order")
    if [row["id"] for row in rows] != list(competition.images):
        raise ManifestError(f"{path}: the ids are not the competition's, once each and in its order")
    for number, row in enumerate(rows, start=1):
        try:
            inside = MIN_AGE <= float(row["age"]) <= MAX_AGE
        except ValueError:
            inside = False
        if not inside:
            raise ManifestError(f"{path}, row {number}, column age: {row['age']!r} is not an age of 0 to 100")
        if not row["gender"]:
            raise ManifestError(f"{path}, row {number}, column gender: is empty")
