from __future__ import annotations

import csv
import shutil
from pathlib import Path

import nbformat
import pytest
from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import AgeLensError
from agelens.models.bundle import Bundle

KAGGLE = "kaggle://owner/agelens/onnx/embedded/1"


def submit(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["submit", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path, astronaut: Path) -> Path:
    """A competition without training rows and with two test images, one of which cannot be read."""
    shutil.copy(astronaut, tmp_path / "a.jpg")
    (tmp_path / "test.csv").write_text("id,full_path\n7,a.jpg\n8,gone.jpg\n")
    return tmp_path


def answers(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_the_file_is_written_and_what_could_not_be_read_is_named(folder: Path) -> None:
    options = ("--data", folder, "-o", folder / "s.csv", "--gender-code", "x=male,y=female")
    done = submit(*options, "--detector", "haar")
    assert done.exit_code == 1, done.output
    assert "id 8: " in done.stderr
    assert f"{folder / 's.csv'}: 2 rows, checked" in done.stdout
    assert "expected score" in done.stdout
    assert "0.860 [0.854, 0.865]" in done.stdout
    rows = answers(folder / "s.csv")
    assert rows["7"]["gender"] == rows["8"]["gender"] == "y"
    assert list(answers(folder / "s.problems.csv")) == ["8"]


def test_each_choice_changes_the_ages(folder: Path) -> None:
    ages = []
    for options in ([], ["--point", "median"], ["--flip"], ["--round"], ["-m", "embedded", "-m", "embedded"]):
        code = ("--gender-code", "0=male,1=female", "--detector", "haar")
        submit("--data", folder, "-o", folder / "s.csv", *code, *options)
        ages.append(answers(folder / "s.csv")["7"]["age"])
    plain, median, flipped, rounded, twice = ages
    assert len({plain, median, flipped}) == 3
    assert rounded == f"{float(plain):.0f}"
    assert twice == plain


def test_the_notebook_carries_every_choice(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    done = submit(
        "--notebook", path, "--model", KAGGLE, "--detector", "haar", "--point", "median", "--flip", "--round",
        "--gender-code", "0=female,1=male",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    for choice in (
        'detector="haar"', "point='median'", "flip=True", "round_ages=True",
        "gender_code=parse_gender_code('0=female,1=male')", '# GENDER_CODE = "0=female,1=male"',
    ):  # fmt: skip
        assert choice in code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--data names the competition's folder"),
        (["--notebook", "n.ipynb", "--model", KAGGLE, "--data", "x"], "--notebook has neither --data"),
        (["--notebook", "n.ipynb", "--model", KAGGLE, "-o", "x.csv"], "--notebook has neither --data"),
        (["--notebook", "n.ipynb", "--model", KAGGLE, "--model", KAGGLE], "loads one model"),
        (["--notebook", "n.ipynb", "--model", KAGGLE, "--gender-code", "0=male"], "0=male"),
        (["--notebook", "n.ipynb"], "loads its model from Kaggle"),
        (["--data", ".", "--gender-code", "nonsense"], "nonsense"),
        (["--data", "."], "no such table"),
    ],
)
def test_wrong_use_is_said_before_any_work(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = submit(*options).exception
    assert isinstance(error, AgeLensError)
    assert message in str(error)
    assert list(tmp_path.iterdir()) == []


def test_photos_that_are_read_whole_are_told(photos: Path, tmp_path: Path) -> None:
    rows = [f"{number},{path}" for number, path in enumerate(sorted(photos.iterdir()))]
    (tmp_path / "test.csv").write_text("\n".join(["id,full_path", *rows]) + "\n")
    done = submit("--data", tmp_path, "-o", tmp_path / "s.csv", "--gender-code", "0=male,1=female")
    assert "6 of 6 pictures looked at are no aligned faces" in done.stderr


def test_a_model_that_lacks_a_head_cannot_submit(folder: Path, ages_alone: Bundle) -> None:
    code = ("--gender-code", "0=male,1=female")
    done = submit("--data", folder, "-o", folder / "s.csv", *code, "--model", ages_alone.folder)
    assert isinstance(done.exception, AgeLensError)
    assert "has not learnt gender" in str(done.exception)
    assert not (folder / "s.csv").exists()
