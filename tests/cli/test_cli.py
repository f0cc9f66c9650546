"""The command line as a person meets it: what it prints, what it writes, how it exits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.models.catalogue import resolve


def agelens(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agelens", *map(str, arguments)], check=False, capture_output=True, text=True
    )


def test_help_is_quick_and_names_the_commands() -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = agelens("--help")
        times.append(time.perf_counter() - start)
    assert min(times) < 1
    for command in ("predict", "data", "train", "evaluate", "export", "models"):
        assert command in done.stdout


def test_the_version_is_printed() -> None:
    from agelens import __version__

    assert agelens("--version").stdout == f"agelens {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "x.jpg", "--model", "nonsense"], "no model 'nonsense'"),
        (["evaluate", "--manifest", "gone.csv"], "no such table"),
        (["data", "import", "competition", ".", "-o", "{empty}/m.csv"], "--gender-code"),
        (["train", "--manifest", "gone.csv", "-o", "run", "--recipe", "nonsense"], "no recipe"),
        (["export", "gone", "-o", "out"], "is it a run"),
        (["models", "show", "nonsense"], "no model"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = agelens(*(text.format(empty=tmp_path) for text in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_models_prints_the_licence_and_the_card() -> None:
    assert "non-commercial" in agelens("models").stdout
    card = agelens("models", "show", "embedded").stdout
    assert "what it is not for" in card
    assert "binary label" in card


def test_import_split_and_pack_lead_to_a_pack(utkface_val: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "chips"
    folder.mkdir()
    for sample in utkface_val.samples[:60]:
        shutil.copy(utkface_val.path(sample), folder)
    (folder / "no_label.jpg").write_bytes(b"x")
    done = agelens("data", "import", "utkface", folder, "-o", tmp_path / "m.csv")
    assert done.returncode == 1
    assert "no_label.jpg" in done.stderr
    assert "60 images" in done.stdout
    done = agelens("data", "split", tmp_path / "m.csv", "--ratio", "train=0.5,val=0.5")
    assert done.returncode == 0
    assert "train 30, val 30" in done.stdout
    done = agelens(
        "data", "pack", tmp_path / "m.csv", "--size", 32, "-o", tmp_path / "pack", "--detector", "haar"
    )
    assert "32 × 32" in done.stdout
    assert done.returncode in (0, 1)  # Haar may miss some
    done = agelens("data", "import", "utkface", folder, "-o", tmp_path / "m.csv", "--strict")
    assert done.returncode == 2


def test_import_folder_maps_columns(astronaut: Path, tmp_path: Path) -> None:
    shutil.copy(astronaut, tmp_path)
    (tmp_path / "l.csv").write_text("file,years,sex,bad\nastronaut.jpg,36,2,0\nother.jpg,3,1,1\n")
    done = agelens(
        "data", "import", "folder", tmp_path / "l.csv", "-o", tmp_path / "m.csv", "--column", "image=file",
        "--column", "age=years", "--column", "gender=sex", "--gender-code", "1=male,2=female",
        "--exclude", "bad=1", "--source-name", "nasa",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (sample,) = read_manifest(tmp_path / "m.csv").samples
    assert (sample.image, sample.age, sample.gender, sample.source) == ("astronaut.jpg", 36, "female", "nasa")


def test_evaluate_prints_writes_and_records(utkface_val: Manifest, tmp_path: Path) -> None:
    some = list(utkface_val.samples[::20])
    write_manifest(utkface_val.root / "some.csv", some)
    shutil.copytree(resolve("embedded").folder, tmp_path / "bundle")
    done = agelens(
        "evaluate", "--manifest", utkface_val.root / "some.csv", "--split", "val",
        "--model", tmp_path / "bundle",
        "--output", tmp_path / "r.json", "--predictions", tmp_path / "p.csv", "--write",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "competition score" in done.stdout
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["images"] == len(some)
    assert len((tmp_path / "p.csv").read_text().splitlines()) == len(some) + 1
    assert resolve(tmp_path / "bundle").spec.metrics["val"]["figures"] == report["figures"]
    done = agelens(
        "evaluate", "--manifest", utkface_val.root / "some.csv", "--split", "val", "--json", "--flip"
    )
    assert json.loads(done.stdout)["flip"] is True


@pytest.mark.slow
def test_train_export_evaluate_and_predict_in_a_row(synthetic: Path, tmp_path: Path, astronaut: Path) -> None:
    settings = ["network.widths=[8,16]", "network.depths=[1,1]", "size=32", "batch_size=16", "epochs=2"]
    options = [text for setting in settings for text in ("--set", setting)]
    done = agelens(
        "train", "--recipe", "embedded", "--manifest", synthetic, "-o", tmp_path / "run",
        "--accelerator", "cpu", *options,
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
