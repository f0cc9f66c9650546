from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import AgeLensError
from agelens.models.bundle import read_bundle
from agelens.training.fit import fit
from agelens.training.provenance import Hardware
from agelens.training.recipe import load_recipe

TINY = [
    "network.widths=[8, 16]",
    "network.depths=[1, 1]",
    "size=24",
    "batch_size=16",
    "epochs=1",
    "limit_train=16",
]


def test_a_run_becomes_a_bundle_with_the_name_and_licence_that_are_given(
    synthetic: Path, tmp_path: Path
) -> None:
    fit(load_recipe("embedded-labels", TINY), synthetic, tmp_path / "run", hardware=Hardware("cpu", 1))
    options = ["--licence", "CC0-1.0", "--name", "mine", "--description", "Tests only."]
    done = CliRunner().invoke(app, ["export", str(tmp_path / "run"), "-o", str(tmp_path / "b"), *options])
    assert done.exit_code == 0, done.output
    assert "of torch's on 64 images of" in done.output
    spec = read_bundle(tmp_path / "b").spec
    assert (spec.name, spec.licence, spec.description) == ("mine", "CC0-1.0", "Tests only.")
    assert spec.input.size == 24
    half = [
        "export",
        str(tmp_path / "run" / "checkpoints" / "best.ckpt"),
        "-o",
        str(tmp_path / "h"),
        "--half",
    ]
    done = CliRunner().invoke(app, [*half, "--faces", str(synthetic.parent / "val-0000.png")])
    assert done.exit_code == 0, done.output
    assert "on 16 views of 1 image of" in done.output
    assert "half precision changes an age by" in done.output
    assert read_bundle(tmp_path / "h").spec.training.stored_as == "float16"


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(tmp_path), "-o", str(tmp_path / "b")])
    assert isinstance(done.exception, AgeLensError)
    assert "nor a run's folder" in str(done.exception)


def test_the_help_states_every_default() -> None:
    text = CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "200"}).output
    for word in (
        "--licence",
        "--name",
        "the run's",
        "--weights",
        "--description",
        "--faces",
        "--half",
        "--initial-weights",
    ):
        assert word in text
