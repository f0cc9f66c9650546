from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import agelens
from agelens import ages
from agelens.data.manifest import Manifest, read_manifest
from agelens.errors import ManifestError
from agelens.evaluation import calibrate, evaluate
from agelens.inference.options import AnswerOptions
from agelens.models.bundle import METRICS_FILE, Bundle, read_bundle, record_measurement
from agelens.models.measurement import Measurement


def test_a_temperature_after_the_softmax_is_one_on_the_logits() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (5, 101))
    np.testing.assert_allclose(
        ages.retempered(ages.softmax(logits), 1.7), ages.softmax(logits, 1.7), atol=1e-6
    )


def test_a_poor_models_intervals_hold_after_calibration(tiny_bundle: Bundle, synthetic: Path) -> None:
    record_measurement(tiny_bundle, Measurement(split="val", images=1, figures={}))
    assert (tiny_bundle.folder / METRICS_FILE).is_file()
    manifest = read_manifest(synthetic)
    val, half = manifest.of_split("val"), AnswerOptions(level=0.5)
    before = evaluate(agelens.load(tiny_bundle.folder, "whole"), val, half, resamples=5)
    report = calibrate(tiny_bundle, manifest, ["train"])
    assert report.age_nll[1] < report.age_nll[0]
    assert report.gender_nll[1] <= report.gender_nll[0]
    fitted = read_bundle(tiny_bundle.folder).spec
    assert (fitted.calibration.fitted_on, fitted.calibration.images) == ("train", 160)
    assert fitted.metrics == {}  # they were measured without
    assert not (tiny_bundle.folder / METRICS_FILE).exists()
    assert "fitted on 160 images of `train`" in (tiny_bundle.folder / "README.md").read_text()
    after = evaluate(agelens.load(tiny_bundle.folder, "whole"), val, half, resamples=5)
    assert abs(before.figures["interval_coverage"].value - 0.5) > 0.15
    assert after.figures["interval_coverage"].value == pytest.approx(0.5, abs=0.12)  # of 64 images


def test_a_second_calibration_starts_from_the_bare_network(tiny_bundle: Bundle, synthetic: Path) -> None:
    once = calibrate(tiny_bundle, read_manifest(synthetic), ["train"]).bundle
    twice = calibrate(once, read_manifest(synthetic), ["train"]).bundle
    assert json.loads(twice.spec.model_dump_json()) == json.loads(once.spec.model_dump_json())


def test_flattened_ages_lose_some_of_the_pull_to_frequent_ones(tiny_bundle: Bundle, synthetic: Path) -> None:
    manifest = read_manifest(synthetic)
    young = [s for s in manifest.samples if s.split == "val" or (s.point_age or 0) < 30 or s.gender is None]
    few_old = Manifest([*young, *[s for s in manifest.samples if s not in young][::8]], manifest.root)
    train = [s.point_age for s in few_old.of_split("train").samples if s.point_age is not None]
    assert 0 < sum(age >= 30 for age in train) < 0.3 * len(train)
    crops = np.random.default_rng(0).integers(0, 255, (8, 16, 16, 3), dtype=np.uint8)

    def answered() -> ages.FloatArray:
        return agelens.load(tiny_bundle.folder, "whole").read_faces(crops).age

    network = agelens.load(tiny_bundle.folder, "whole")
    network_alone = evaluate(network, few_old.of_split("val"), resamples=5).figures
    plain = calibrate(tiny_bundle, few_old, ["val"]).bundle.spec.calibration
    before = answered()
    calibrate(tiny_bundle, few_old, ["val"], flatten=1.0, flatten_from=20)
    after = answered()
    assert "(prior correction)" in (tiny_bundle.folder / "README.md").read_text()
    assert (ages.expectation(after) > ages.expectation(before)).all()
    odds = after / before
    unmoved = odds[:, [0]] * np.ones(20)
    np.testing.assert_allclose(odds[:, :20], unmoved, rtol=1e-3)  # among themselves
    frequency = ages.frequencies(train)
    np.testing.assert_allclose(odds[:, 60] / odds[:, 25], frequency[25] / frequency[60], rtol=1e-2)
    val = few_old.of_split("val")
    bare = evaluate(agelens.load(tiny_bundle.folder, "whole"), val, resamples=5).figures
    assert bare["uncalibrated_width"].value == pytest.approx(network_alone["interval_width"].value, abs=0.05)
    assert bare["interval_width"].value != pytest.approx(network_alone["interval_width"].value, abs=1)
    # What the network itself says is still known, and a second calibration starts from it.
    assert calibrate(tiny_bundle, few_old, ["val"]).bundle.spec.calibration == plain
    np.testing.assert_array_equal(answered(), before)
    with pytest.raises(ManifestError, match="no split 'train'"):
        calibrate(tiny_bundle, few_old.of_split("val"), ["val"], flatten=0.5)
    with pytest.raises(ManifestError, match="use --flatten, too"):
        calibrate(tiny_bundle, few_old, ["val"], flatten_from=50)


def test_several_splits_are_fitted_on_together(tiny_bundle: Bundle, synthetic: Path) -> None:
    calibration = calibrate(
        tiny_bundle, read_manifest(synthetic), ["train", "val", "val"]
    ).bundle.spec.calibration
    assert (calibration.fitted_on, calibration.images) == ("train and val", 224)


def test_the_test_split_and_too_few_faces_are_refused(tiny_bundle: Bundle, synthetic: Path) -> None:
    manifest = read_manifest(synthetic)
    with pytest.raises(ManifestError, match="not calibrated on the split it is reported on"):
        calibrate(tiny_bundle, manifest, ["test"])
    few = Manifest(manifest.of_split("val").samples[:40], manifest.root)
    with pytest.raises(ManifestError, match="needs 50 of each"):
        calibrate(tiny_bundle, few, ["val"])


def test_the_shipped_bundle_is_calibrated_on_validation_alone() -> None:
    from agelens.models.catalogue import resolve

    calibration = resolve("embedded").spec.calibration
    assert calibration.fitted_on in ("val", "calibration and val")
    assert calibration.age_intervals is not None
