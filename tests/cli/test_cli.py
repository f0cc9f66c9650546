"""The command line as a person meets it: what it prints, what it writes, how it exits."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.models.catalogue import resolve


def agelens(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agelens", *map(str, arguments)], check=False, capture_output=True, text=True
    )


def test_the_version_is_printed() -> None:
    from agelens import __version__

    assert agelens("--version").stdout == f"agelens {__version__}\n"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    """A folder with two good images and three bad ones."""
    folder = tmp_path_factory.mktemp("mixed")
    shutil.copy(astronaut, folder / "good.jpg")
    Image.new("RGB", (64, 64), "grey").save(folder / "faceless.png")
    (folder / "text.jpg").write_text("I am no picture")
    (folder / "empty.jpg").touch()
    (folder / "cut.jpg").write_bytes(astronaut.read_bytes()[:9000])
    return folder


def test_json_gives_one_entry_an_image_names_the_bad_ones_and_exits_1(mixed: Path) -> None:
    done = agelens("predict", mixed, "--detector", "haar", "--format", "json")
    assert done.returncode == 1
    entries = {Path(entry["image"]).name: entry for entry in json.loads(done.stdout)}
    assert len(entries) == 5
    assert [name for name, entry in sorted(entries.items()) if entry["error"]] == [
        "cut.jpg",
        "empty.jpg",
        "text.jpg",
    ]
    assert entries["faceless.png"]["faces"] == []
    (face,) = entries["good.jpg"]["faces"]
    assert set(face) == {
        "box", "detection", "quality", "refused", "age", "age_interval", "interval_level", "gender",
        "gender_probability",
    }  # fmt: skip
    assert (entries["good.jpg"]["width"], entries["good.jpg"]["height"]) == (512, 512)
    for name in ("cut.jpg", "empty.jpg", "text.jpg"):
        assert name in done.stderr
    assert "3 of 5 images" in done.stderr


def test_jsonl_and_csv_hold_the_same(mixed: Path, tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.csv", "a.json"):
        done = agelens("predict", mixed, "--detector", "haar", "--output", tmp_path / name)
        assert (done.returncode, done.stdout) == (1, "")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert lines == json.loads((tmp_path / "a.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert len(rows) == 5
    good = next(row for row in rows if row["image"].endswith("good.jpg"))
    expected = next(entry for entry in lines if entry["image"].endswith("good.jpg"))["faces"][0]
    assert float(good["age"]) == expected["age"]
    assert [float(good["age_low"]), float(good["age_high"])] == expected["age_interval"]


def test_the_table_shows_every_image_and_exits_0_when_all_are_read(astronaut: Path, mixed: Path) -> None:
    done = agelens("predict", astronaut, mixed / "faceless.png", "--detector", "haar", "--level", "0.8")
    assert done.returncode == 0
    assert "80% interval" in done.stdout
    assert "no face found" in done.stdout
    assert "female" in done.stdout


def test_annotated_copies_keep_their_names_and_do_not_overwrite_each_other(
    astronaut: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shutil.copy(astronaut, tmp_path / name / "a.jpg")
    done = agelens(
        "predict", tmp_path / "one", tmp_path / "two", "--detector", "haar", "--annotate", tmp_path / "out"
    )
    assert done.returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-2.jpg", "a.jpg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "x.jpg", "--model", "nonsense"], "no model 'nonsense'"),
        (["predict", "x.jpg", "--detector", "yunet", "--yunet", "gone.onnx"], "gone.onnx"),
        (["predict", "x.jpg", "--detector", "retina"], "retina"),
        (["predict", "x.jpg", "--level", "1.5"], "0.99"),
        (["predict", "{empty}"], "holds no images"),
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


def test_a_missing_image_is_a_failed_input(tmp_path: Path) -> None:
    done = agelens("predict", tmp_path / "gone.jpg", "--detector", "haar")
    assert done.returncode == 1
    assert "no such file" in done.stderr


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


def test_the_probability_of_an_age_or_more_is_answered_in_every_format(astronaut: Path) -> None:
    options = ("predict", astronaut, "--detector", "haar", "--at-least", 18)
    (answer,) = json.loads(agelens(*options, "--format", "json").stdout)
    face = answer["faces"][0]
    assert face["at_least"] == 18
    assert 0.9 < face["at_least_probability"] <= 1
    (row,) = csv.DictReader(io.StringIO(agelens(*options, "--format", "csv").stdout))
    assert float(row["at_least_probability"]) == face["at_least_probability"]
    assert "18 or older" in agelens(*options).stdout
