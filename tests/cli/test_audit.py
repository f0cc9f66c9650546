"""``agelens data audit`` as a person meets it: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.data.manifest import read_manifest, write_manifest
from agelens.data.soft_labels import write_soft_labels
from agelens.errors import AgeLensError
from agelens.labels import Gender, Sample
from agelens.models.bundle import Bundle


def audit(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", "audit", *map(str, arguments)])


def error_of(result: Result) -> str:
    """The sentence of wrong use, which the program's ``main`` prints before it exits with 2."""
    assert isinstance(result.exception, AgeLensError), result.output
    assert result.exception.exit_code == 2
    return str(result.exception)


def picture(path: Path, seed: int) -> None:
    """A picture of its own: squares with sharp edges."""
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((80, 80), Image.Resampling.NEAREST).save(path)


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """A manifest of one picture twice, with the same labels."""
    picture(tmp_path / "a.png", 1)
    shutil.copyfile(tmp_path / "a.png", tmp_path / "b.png")
    first = Sample("a.png", age=20, gender=Gender.MALE, split="train")
    write_manifest(tmp_path / "m.csv", [first, replace(first, image="b.png")])
    return tmp_path / "m.csv"


def test_findings_are_printed_written_and_mended_and_give_exit_code_1(copies: Path, tmp_path: Path) -> None:
    done = audit(copies, "--output", tmp_path / "audit.json", "--fix", tmp_path / "clean.csv")
    assert done.exit_code == 1, done.output
    assert "2 images, 1 clusters of copies" in done.stdout
    assert "exact copies" in done.stdout
    assert "1 of 2 rows" in done.stdout
    assert json.loads((tmp_path / "audit.json").read_text())["clusters"] == [[1, 2]]
    (kept,) = read_manifest(tmp_path / "clean.csv").samples
    assert kept.image == "a.png"
    (change,) = csv.DictReader((tmp_path / "clean.changes.csv").open())
    assert (change["row"], change["image"]) == ("2", "b.png")
    assert "same labels" in change["change"]


def test_nothing_found_is_exit_code_0(copies: Path) -> None:
    write_manifest(copies, read_manifest(copies).samples[:1])
    assert audit(copies).exit_code == 0


def test_images_that_another_manifest_holds_too_are_named(copies: Path, tmp_path: Path) -> None:
    picture(tmp_path / "c.png", 2)
    write_manifest(tmp_path / "other.csv", [Sample("c.png"), Sample("b.png")])
    done = audit(copies, "--against", tmp_path / "other.csv")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "row 1, 2: b.png")
    write_manifest(tmp_path / "other.csv", [Sample("c.png")])
    done = audit(copies, "--against", tmp_path / "other.csv")
    assert (done.exit_code, "0 faces" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "option",
    [
        ("--output", "a.json"),
        ("--detector", "haar"),
        ("--model", "embedded"),
        ("--answers", "t.npz"),
        ("--plot", "b.png"),
        ("--fix", "c.csv"),
    ],
)
def test_options_that_a_comparison_would_drop_are_refused_before_any_work(option: tuple[str, str]) -> None:
    """Neither manifest exists, which would be told if it had been looked for."""
    assert option[0] in error_of(audit("gone.csv", "--against", "gone-too.csv", *option))


def test_wrong_use_is_told_before_the_images_are_looked_at(
    copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agelens.data.audit.fingerprints", lambda *_: pytest.fail("images were looked at"))
    assert "give one of them" in error_of(audit(copies, "--model", "embedded", "--answers", "t.npz"))
    assert "beside the old" in error_of(audit(copies, "--fix", tmp_path / "sub" / "clean.csv"))
    assert "no model 'nonsense'" in error_of(audit(copies, "--model", "nonsense"))
    assert "cannot be read" in error_of(audit(copies, "--answers", tmp_path / "gone.npz"))
    assert "no such table" in error_of(audit(copies, "--against", tmp_path / "gone.csv"))


@pytest.fixture
def face(astronaut: Path, tmp_path: Path) -> Path:
    """A manifest of a face with a wrong age, and of a picture without a face."""
    shutil.copyfile(astronaut, tmp_path / "face.png")
    picture(tmp_path / "a.png", 1)
    genders = {"gender": Gender.FEMALE}
    write_manifest(
        tmp_path / "m.csv", [Sample("face.png", age=95, **genders), Sample("a.png", age=20, **genders)]
    )
    return tmp_path / "m.csv"


def test_labels_are_suspected_by_out_of_fold_answers_and_the_balance_is_drawn(
    face: Path, tmp_path: Path
) -> None:
    far = np.zeros((1, 101))
    far[0, 36] = 1
    write_soft_labels(tmp_path / "oof.npz", [tmp_path / "face.png"], far, np.array([[0.01, 0.99]]))
    done = audit(
        face, "-o", tmp_path / "a.json", "--detector", "haar", "--answers", tmp_path / "oof.npz",
        "--plot", tmp_path / "balance.png",
    )  # fmt: skip
    assert done.exit_code == 1, done.output
    assert "answers 1 of 2 rows" in done.stderr
    found = json.loads((tmp_path / "a.json").read_text())["findings"]
    assert [(f["kind"], f["rows"]) for f in found] == [("no face found", [2]), ("suspected age", [1])]
    assert Image.open(tmp_path / "balance.png").width > 600


def test_labels_are_suspected_by_a_model(face: Path, tmp_path: Path) -> None:
    done = audit(face, "-o", tmp_path / "b.json", "--detector", "haar", "--model", "embedded")
    assert done.exit_code == 1, done.output
    found = json.loads((tmp_path / "b.json").read_text())["findings"]
    assert ("suspected age", [1]) in [(f["kind"], f["rows"]) for f in found]


def test_a_model_suspects_no_label_of_what_it_has_not_learnt(
    face: Path, tmp_path: Path, genders_alone: Bundle
) -> None:
    done = audit(face, "-o", tmp_path / "b.json", "--model", genders_alone.folder)
    found = json.loads((tmp_path / "b.json").read_text())["findings"]
    assert "suspected age" not in [one["kind"] for one in found], done.output
