from __future__ import annotations

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
    assert "calibrated on 64 images of val" in done.stdout
    assert f"age     temperature {fitted.age_temperature:.3f}; NLL" in done.stdout
    assert f"gender  temperature {fitted.gender_temperature:.3f}; NLL" in done.stdout


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
