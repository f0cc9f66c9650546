from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

import agelens
from agelens.apps.competition.submission import submit
from agelens.data.manifest import Manifest
from agelens.errors import ManifestError
from agelens.evaluation.run import evaluate
from agelens.labels import Gender
from agelens.models.bundle import Bundle

MakeFolder = Callable[..., Path]


def kaggle_score(submission: Path, solution: Path) -> float:
    """What Kaggle would do, written on its own: check the file strictly, then score it."""
    answer, truth = pd.read_csv(submission), pd.read_csv(solution)
    assert set(answer.columns) == {"id", "age", "gender"}
    assert answer["id"].is_unique
    assert set(answer["id"]) == set(truth["id"])
    assert answer["age"].between(0, 100).all()
    assert answer["gender"].isin([0, 1]).all()
    both = truth.merge(answer, on="id", suffixes=("_true", ""))
    rmse = np.sqrt(((both["age"] - both["age_true"]) ** 2).mean())
    age = 1 - min(rmse, 30) / 30
    gender = f1_score(both["gender_true"], both["gender"], average="macro")
    return float(2 * gender * age / (gender + age))


def command(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    base = [sys.executable, "-m", "agelens", "submit"]
    done = subprocess.run([*base, *map(str, arguments)], check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("male", ["0", "1"])
def test_the_code_is_found_and_the_score_is_evaluates(
    male: str, competition: MakeFolder, some_faces: dict[str, Manifest], tmp_path: Path
) -> None:
    folder = competition(male=male, columns=("id", "gender", "age"))
    done = command("--data", folder, "--output", tmp_path / "submission.csv")
    female = "1" if male == "0" else "0"
    assert f"{female}=female" in done.stdout
    assert f"{male}=male" in done.stdout
    header, first = (tmp_path / "submission.csv").read_text().splitlines()[:2]
    assert header == "id,gender,age"
    assert first.startswith(f"{len(some_faces['test'].samples) - 1},")  # the sample's order
    result = evaluate(agelens.load("embedded", "whole"), some_faces["test"], resamples=2)
    score = kaggle_score(tmp_path / "submission.csv", tmp_path / "solution.csv")
    assert score == pytest.approx(result.figures["score"].value, abs=1e-6)
    assert score > 0.8


def test_bad_images_get_the_typical_answer_and_are_listed(competition: MakeFolder, tmp_path: Path) -> None:
    folder = competition(sample=False)
    (folder / "test" / "00003.jpg").write_bytes(b"nonsense")
    (folder / "test" / "00005.jpg").unlink()
    done = command("--data", folder, "--output", tmp_path / "s.csv", "--round", code=1)
    assert "2 images could not be read" in done.stderr
    answers = pd.read_csv(tmp_path / "s.csv", index_col="id")
    train = pd.read_csv(folder / "train.csv")
    for bad in (3, 5):
        assert answers.loc[bad, "age"] == round(train["age"].median())
        assert answers.loc[bad, "gender"] == train["gender"].mode()[0]
    assert answers["age"].dtype.kind == "i"
    assert list(answers.index) == list(range(len(answers)))
    assert list(pd.read_csv(tmp_path / "s.problems.csv")["id"]) == [3, 5]
    kaggle_score(tmp_path / "s.csv", tmp_path / "solution.csv")


def test_several_models_and_mirror_images_are_averaged(
    competition: MakeFolder, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = competition()
    one, other = agelens.load("embedded", "whole"), agelens.load(tiny_bundle.folder, "whole")
    ages = [submit(p, folder, tmp_path / "s.csv").ages for p in ([one], [one, other])]
    alone = submit([other], folder, tmp_path / "s.csv", gender_code={"0": Gender.MALE, "1": Gender.FEMALE})
    np.testing.assert_allclose((np.array(ages[0]) + alone.ages) / 2, ages[1], atol=1e-4)
    flipped = submit([one], folder, tmp_path / "s.csv", flip=True)
    assert 0 < np.abs(np.array(flipped.ages) - ages[0]).mean() < 3


def test_a_model_that_cannot_tell_is_no_evidence(
    competition: MakeFolder, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = competition()
    done = command("--data", folder, "--model", tiny_bundle.folder, "-o", tmp_path / "s.csv", code=2)
    assert "the gender code cannot be told" in done.stderr
    assert "80%" in done.stderr
    assert not (tmp_path / "s.csv").exists()


def test_without_training_rows_the_code_must_be_said(competition: MakeFolder, tmp_path: Path) -> None:
    folder = competition()
    os.remove(folder / "train.csv")
    assert "--gender-code" in command("--data", folder, "-o", tmp_path / "s.csv", code=2).stderr
    command("--data", folder, "-o", tmp_path / "s.csv", "--gender-code", "0=male,1=female")
    assert kaggle_score(tmp_path / "s.csv", tmp_path / "solution.csv") > 0.8


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("test.csv", "full_path", "path", "no column full_path"),
        ("test.csv", "\n7,", "\n6,", "row 8, column id: '6' twice"),
        ("sample_submission.csv", "\n7,", "\n7000,", "same ids once each: 7, 7000"),
        ("sample_submission.csv", "id,age", "id,mood", "no column age"),
        ("train.csv", ".jpg,", ".jpg,old", "row 1, column age"),
    ],
)
def test_a_faulty_table_is_named(
    table: str, old: str, new: str, message: str, competition: MakeFolder, tmp_path: Path
) -> None:
    folder = competition()
    (folder / table).write_text((folder / table).read_text().replace(old, new, 1))
    with pytest.raises(ManifestError, match=message):
        submit([agelens.load("embedded", "whole")], folder, tmp_path / "s.csv")
    assert not (tmp_path / "s.csv").exists()
