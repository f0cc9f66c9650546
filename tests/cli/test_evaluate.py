from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.data.manifest import Manifest
from agelens.errors import AgeLensError, ManifestError
from agelens.models.bundle import Bundle, read_bundle


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_tables_the_files_and_the_card_tell_the_same(
    tiny_bundle: Bundle, synthetic: Path, tmp_path: Path
) -> None:
    done = evaluate(
        "--manifest", synthetic, "--split", "val", "--model", tiny_bundle.folder, "--level", 0.5, "--flip",
        "--point", "median", "--write", "--output", tmp_path / "r.json", "--predictions", tmp_path / "p.csv",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "r.json").read_text())
    bundle = read_bundle(tiny_bundle.folder)
    card = (bundle.folder / "README.md").read_text()
    assert bundle.measurements()["val"].model_dump(mode="json") == report
    assert (report["images"], report["level"], report["flip"], report["point"]) == (64, 0.5, True, "median")
    figure = report["figures"]["interval_coverage"]
    text = f"{figure['value']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}]"
    assert f"| coverage of 50 % intervals | {text} |" in card
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("coverage of 50 % intervals"))
    assert line.endswith(text)
    assert "90 % intervals" not in done.stdout + card
    for conditions in ("detector whole", "median", "averaged with the mirror image", "50 % age intervals"):
        assert conditions in done.stdout
        assert conditions in card
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert len(rows) == 64
    errors = [abs(float(row["age"]) - float(row["true_age"])) for row in rows]
    assert sum(errors) / 64 == pytest.approx(report["figures"]["mae"]["value"], abs=0.01)


def test_json_is_printed_in_place_of_tables_and_nothing_is_recorded_unasked(
    tiny_bundle: Bundle, synthetic: Path
) -> None:
    done = evaluate("--manifest", synthetic, "--split", "val", "--model", tiny_bundle.folder, "--json")
    assert json.loads(done.stdout)["split"] == "val"
    assert read_bundle(tiny_bundle.folder).spec == tiny_bundle.spec


def test_unreadable_images_are_named_and_the_exit_code_is_1(
    tiny_bundle: Bundle, synthetic: Path, tmp_path: Path
) -> None:
    rows = synthetic.read_text().splitlines()
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    name = rows[1].split(",")[0]
    bad = rows[1].replace(name, str(tmp_path / "bad.png"))
    good = rows[2].replace(rows[2].split(",")[0], str(synthetic.parent / rows[2].split(",")[0]))
    (tmp_path / "m.csv").write_text("\n".join([rows[0], bad, good]) + "\n")
    done = evaluate("--manifest", tmp_path / "m.csv", "--split", "train", "--model", tiny_bundle.folder)
    assert done.exit_code == 1
    assert "row 1" in done.stderr
    assert "1 images could not be read" in done.stderr


@pytest.mark.parametrize(
    ("options", "option"), [(["--faces"], "--faces"), (["--compare", "other=gone.csv"], "--compare")]
)
def test_what_only_the_report_uses_needs_a_report_before_anything_is_read(
    options: list[str], option: str
) -> None:
    done = evaluate("--manifest", "gone.csv", *options)
    assert isinstance(done.exception, AgeLensError)
    assert (done.exception.exit_code, str(done.exception).startswith(option)) == (2, True)
    assert "use --report" in str(done.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--manifest", "gone.csv"], "no such table"),
        (["--manifest", "gone.csv", "--report", "r", "--compare", "p.csv"], "name=predictions.csv"),
    ],
)
def test_wrong_use_is_a_sentence(options: list[str], message: str) -> None:
    done = evaluate(*options)
    assert isinstance(done.exception, ManifestError)
    assert message in str(done.exception)


def test_photos_that_are_no_chips_are_told_and_chips_are_not(
    photos: Path, utkface_val: Manifest, tmp_path: Path
) -> None:
    rows = [f"{path},30,male,val" for path in sorted(photos.iterdir())]
    chips = [f"{utkface_val.path(sample)},30,male,val" for sample in utkface_val.samples[::30]]
    for name, lines in (("photos", rows), ("chips", chips)):
        (tmp_path / f"{name}.csv").write_text("\n".join(["image,age,gender,split", *lines]) + "\n")
    photo = evaluate("--manifest", tmp_path / "photos.csv", "--split", "val", "--json")
    assert photo.exit_code == 0, photo.output
    assert "6 of 6 pictures looked at are no aligned faces" in photo.stderr
    found = evaluate("--manifest", tmp_path / "photos.csv", "--split", "val", "--json", "--detector", "haar")
    chip = evaluate("--manifest", tmp_path / "chips.csv", "--split", "val", "--json")
    assert "no aligned faces" not in found.stderr + chip.stderr


def test_the_groups_left_out_and_the_refused_are_on_the_terminal_and_the_card(
    tiny_bundle: Bundle, synthetic: Path
) -> None:
    done = evaluate("--manifest", synthetic, "--split", "val", "--model", tiny_bundle.folder, "--write")
    card = (tiny_bundle.folder / "README.md").read_text()
    for text in (
        "Left out of the gaps, since fewer than 50 faces",
        "age 71–100",
        "Faces refused, by the lowest",
    ):
        assert text in done.stdout
        assert text in card
