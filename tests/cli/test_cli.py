"""The command line as a person meets it: what it prints, what it writes, how it exits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest


def agelens(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agelens", *map(str, arguments)], check=False, capture_output=True, text=True
    )


def test_the_version_is_printed() -> None:
    from agelens import __version__

    assert agelens("--version").stdout == f"agelens {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "x.jpg", "--model", "nonsense"], "no model 'nonsense'"),
        (["data", "import", "competition", ".", "-o", "{empty}/m.csv"], "--gender-code"),
        (["train", "--manifest", "gone.csv", "-o", "run", "--recipe", "nonsense"], "no recipe"),
        (["export", "gone", "-o", "out"], "gone is no checkpoint, nor a run's folder"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = agelens(*(text.format(empty=tmp_path) for text in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_system_refuses_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "bundle.json").mkdir()  # may not be read as a file
    done = agelens("predict", "x.jpg", "--model", tmp_path / "model")
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "bundle.json" in done.stderr


@pytest.mark.slow
def test_train_export_evaluate_and_predict_in_a_row(synthetic: Path, tmp_path: Path, astronaut: Path) -> None:
    settings = ["network.widths=[8,16]", "network.depths=[1,1]", "size=32", "batch_size=16", "epochs=2"]
    options = [text for setting in settings for text in ("--set", setting)]
    done = agelens(
        "train", "--recipe", "embedded-labels", "--manifest", synthetic, "-o", tmp_path / "run",
        "--accelerator", "cpu", "--test", *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"val +test\n", done.stdout)
    assert "competition score" in done.stdout
    assert "epoch 2/2" in done.stderr
    assert "cpu × 1" in done.stderr
    for noise in ("INFO:", "litlogger", "treespec"):
        assert noise not in done.stderr
    done = agelens("evaluate", "--model", tmp_path / "run", "--manifest", synthetic)
    assert done.returncode == 0, done.stderr
    assert "64 images" in done.stdout
    done = agelens(
        "export", tmp_path / "run", "-o", tmp_path / "bundle", "--licence", "CC0", "--name", "tiny"
    )
    assert "MB; probabilities within" in done.stdout
    done = agelens("predict", astronaut, "--model", tmp_path / "bundle", "--detector", "haar", "-f", "json")
    assert len(json.loads(done.stdout)[0]["faces"]) == 1
