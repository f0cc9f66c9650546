from __future__ import annotations

import re
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import AgeLensError
from agelens.models.bundle import Bundle, read_bundle
from agelens.models.catalogue import resolve


def calibrate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def test_the_bundle_is_rewritten_and_what_was_fitted_is_said(tiny_bundle: Bundle, synthetic: Path) -> None:
    done = calibrate("--manifest", synthetic, "--model", tiny_bundle.folder)
    assert done.exit_code == 0, done.output
    fitted = read_bundle(tiny_bundle.folder).spec.calibration
    assert (fitted.fitted_on, fitted.images) == ("val", 64)
    assert "calibrated, by 64 images of val (64 exact ages, 64 genders)" in done.stdout
    assert re.search(
        rf"^age +temperature {fitted.age_temperature:.3f} (± [\d.]+ )?for 1\.000; NLL", done.stdout, re.M
    )
    assert re.search(r"^intervals +90 % intervals hold .* the nearest 64 faces decide", done.stdout, re.M)
    assert re.search(r"^quality +scale for faces found by whole", done.stdout, re.M)
    assert "run 'agelens evaluate --write' anew" in done.stdout


def test_a_bundle_that_nothing_makes_better_is_left_as_it_is(tiny_bundle: Bundle, synthetic: Path) -> None:
    calibrate("--manifest", synthetic, "--model", tiny_bundle.folder)
    before = (tiny_bundle.folder / "bundle.json").read_bytes()
    done = calibrate("--manifest", synthetic, "--model", tiny_bundle.folder)
    assert done.exit_code == 0, done.output
    assert "left as it is, by 64 images of val" in done.stdout
    assert re.search(
        r"^age +temperature [\d.]+ kept; a new one, .* is no better beyond chance", done.stdout, re.M
    )
    assert "dropped" not in done.stdout
    assert (tiny_bundle.folder / "bundle.json").read_bytes() == before
    forced = calibrate("--manifest", synthetic, "--model", tiny_bundle.folder, "--force")
    assert "calibrated, by" in forced.stdout


def test_the_scale_of_quality_can_be_fitted_alone(tiny_bundle: Bundle, synthetic: Path) -> None:
    done = calibrate("--manifest", synthetic, "--model", tiny_bundle.folder, "--quality-only")
    assert done.exit_code == 0, done.output
    fitted = read_bundle(tiny_bundle.folder).spec.calibration
    assert fitted.quality is not None
    assert (fitted.age_temperature, fitted.age_intervals) == (1, None)
    done = calibrate("--manifest", "gone.csv", "--quality-only", "--flatten", 0.5)
    assert isinstance(done.exception, AgeLensError)
    assert "--quality-only" in str(done.exception)


def test_photos_that_are_no_chips_are_told(photos: Path, tmp_path: Path) -> None:
    files = sorted(photos.iterdir())
    rows = [f"{path},30,male,val" for path in files]
    (tmp_path / "m.csv").write_text("\n".join(["image,age,gender,split", *rows]) + "\n")
    done = calibrate("--manifest", tmp_path / "m.csv", "--output", tmp_path / "copy")
    assert "pictures looked at are no aligned faces" in done.stderr
    assert "--detector auto" in done.stderr


def test_a_youngest_age_without_a_power_is_refused_before_anything_is_read() -> None:
    done = calibrate("--manifest", "gone.csv", "--flatten-from", 50)
    assert isinstance(done.exception, AgeLensError)
    assert done.exception.exit_code == 2
    assert "use --flatten, too" in str(done.exception)


def test_the_models_in_the_package_are_never_changed_but_copied(synthetic: Path, tmp_path: Path) -> None:
    before = resolve("embedded")
    done = calibrate("--manifest", synthetic)
    assert isinstance(done.exception, AgeLensError)
    assert "never changed" in str(done.exception)
    copy = tmp_path / "calibrated"
    done = calibrate("--manifest", synthetic, "--output", copy)
    assert done.exit_code == 0, done.output
    assert read_bundle(copy).spec.calibration.fitted_on == "val"
    assert read_bundle(copy).spec.files["model.onnx"] == before.spec.files["model.onnx"]
    assert resolve("embedded").spec == before.spec
    done = calibrate("--manifest", synthetic, "--output", copy)
    assert "is not empty" in str(done.exception)
