from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import agelens
from agelens import ages
from agelens.data.manifest import Manifest, read_manifest
from agelens.errors import ManifestError
from agelens.evaluation import calibrate, evaluate
from agelens.inference.batch import read_each
from agelens.inference.options import AnswerOptions
from agelens.models.bundle import METRICS_FILE, Bundle, read_bundle, record_measurement
from agelens.models.catalogue import resolve
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
    assert [one.part for one in report.decisions] == ["age", "gender", "intervals", "quality"]
    assert all(one.taken for one in report.decisions)
    assert (report.images, report.exact_ages, report.genders) == (160, 160, 160)
    fitted = read_bundle(tiny_bundle.folder).spec
    assert (fitted.calibration.fitted_on, fitted.calibration.images) == ("train", 160)
    assert fitted.metrics == {}  # they were measured without
    assert not (tiny_bundle.folder / METRICS_FILE).exists()
    assert "fitted on 160 images of `train`" in (tiny_bundle.folder / "README.md").read_text()
    after = evaluate(agelens.load(tiny_bundle.folder, "whole"), val, half, resamples=5)
    assert abs(before.figures["interval_coverage"].value - 0.5) > 0.15
    assert after.figures["interval_coverage"].value == pytest.approx(0.5, abs=0.12)  # of 64 images


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
    assert not any(plain.age_offsets)
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
    # What the bundle does is left alone unless it is asked for; what the network says is still known.
    flattened = read_bundle(tiny_bundle.folder).spec.calibration
    assert calibrate(read_bundle(tiny_bundle.folder), few_old, ["val"]).changed is False
    assert read_bundle(tiny_bundle.folder).spec.calibration == flattened
    again = calibrate(read_bundle(tiny_bundle.folder), few_old, ["val"], flatten=0.0).bundle.spec.calibration
    assert again == plain
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
    with pytest.raises(ManifestError, match="needs 60 of what it is fitted on"):
        calibrate(tiny_bundle, few, ["val"])


def drawn(manifest: Manifest, size: int, seed: int = 0) -> Manifest:
    """Some faces of it, drawn at random."""
    rows = np.random.default_rng(seed).permutation(len(manifest.samples))[:size]
    return Manifest(tuple(manifest.samples[row] for row in rows), manifest.root)


def test_a_few_faces_do_not_make_the_shipped_model_worse(utkface_val: Manifest, tmp_path: Path) -> None:
    shipped = resolve("embedded")
    few = drawn(utkface_val, 150)
    report = calibrate(shipped, few, ["val"], output=tmp_path / "kept")
    decided = {one.part: one for one in report.decisions}
    assert [decided[part].taken for part in ("age", "gender", "quality")] == [False] * 3
    assert "no better beyond chance" in decided["age"].said
    # With their margin for sets never seen, the shipped intervals hold more here than they say.
    assert decided["intervals"].taken
    assert (
        "the nearest 100 faces decide: 90 % there means 84% to 96%, and the highest level is 99 %"
        in decided["intervals"].said
    )
    old, new = shipped.spec.calibration, report.bundle.spec.calibration
    same = {"age_temperature", "gender_temperature", "age_offsets", "quality"}
    assert new.model_dump(include=same) == old.model_dump(include=same)
    # What was not better is still what it was fitted on before.
    assert {part: fitted.images for part, fitted in new.parts.items()} == {
        "age": 2529, "gender": 2529, "intervals": 150, "quality": 1929,
    }  # fmt: skip
    card = (report.bundle.folder / "README.md").read_text()
    assert "conformal intervals fitted on 150 images of `val`; scale of quality" in card
    assert "`--min-quality 0.1` refuses the worst tenth of these faces" in card
    forced = calibrate(shipped, few, ["val"], force=True, output=tmp_path / "forced")
    assert all(one.taken for one in forced.decisions)
    assert forced.bundle.spec.calibration.age_temperature != old.age_temperature


def test_faces_on_which_the_intervals_do_not_hold_get_new_ones(tiny_bundle: Bundle, synthetic: Path) -> None:
    manifest = read_manifest(synthetic)
    once = calibrate(tiny_bundle, manifest, ["train"]).bundle
    older = tuple(replace(sample, age=50 + (sample.age or 0) / 2) for sample in manifest.samples)
    report = calibrate(once, Manifest(older, manifest.root), ["train"])
    (intervals,) = (one for one in report.decisions if one.part == "intervals")
    assert intervals.taken
    assert report.bundle.spec.calibration.age_intervals != once.spec.calibration.age_intervals


def test_a_second_calibration_on_the_same_faces_changes_nothing(
    tiny_bundle: Bundle, synthetic: Path, tmp_path: Path
) -> None:
    once = calibrate(tiny_bundle, read_manifest(synthetic), ["train"]).bundle
    record_measurement(once, Measurement(split="val", images=1, figures={}))
    report = calibrate(read_bundle(once.folder), read_manifest(synthetic), ["train"])
    assert not report.changed
    assert (once.folder / METRICS_FILE).is_file()  # they still hold
    copied = calibrate(
        read_bundle(once.folder), read_manifest(synthetic), ["train"], output=tmp_path / "copy"
    ).bundle
    assert copied.folder == tmp_path / "copy"
    assert read_bundle(copied.folder).spec == read_bundle(once.folder).spec


def test_the_scale_of_quality_alone_needs_no_labels(tiny_bundle: Bundle, synthetic: Path) -> None:
    bare = tuple(replace(s, age=None, gender=None) for s in read_manifest(synthetic).samples)
    report = calibrate(tiny_bundle, Manifest(bare, synthetic.parent), ["val"], quality_only=True)
    (decision,) = report.decisions
    assert (decision.part, decision.taken, report.exact_ages) == ("quality", True, 0)
    calibration = report.bundle.spec.calibration
    assert calibration.age_intervals is None
    assert calibration.fitted("age") is None
    predictor = agelens.load(report.bundle.folder, "whole")
    paths = [synthetic.parent / s.image for s in bare if s.split == "val"]
    shares = read_each(predictor, paths).quality
    assert (shares < 0.1).mean() == pytest.approx(0.1, abs=0.02)
    assert (shares < 0.5).mean() == pytest.approx(0.5, abs=0.02)
    with pytest.raises(ManifestError, match="0 exact ages and 0 genders"):
        calibrate(tiny_bundle, Manifest(bare, synthetic.parent), ["val"])


def test_quality_is_fitted_for_every_detector_at_hand(
    utkface_val: Manifest, tmp_path: Path, yunet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    report = calibrate(
        resolve("embedded"), drawn(utkface_val, 100), ["val"], quality_only=True, output=tmp_path / "copy"
    )
    scale = report.bundle.spec.calibration.quality
    assert scale is not None
    assert set(scale.quantiles) == {"whole", "yunet", "haar"}
    assert scale.quantiles["yunet"][50] < scale.quantiles["whole"][50]  # it is never quite sure


def test_refusal_measures_the_picture_and_not_the_age(utkface_val: Manifest, tmp_path: Path) -> None:
    """By true age, on faces that the scale was not fitted on."""
    half = drawn(utkface_val, 569)
    rest = Manifest(tuple(s for s in utkface_val.samples if s not in set(half.samples)), utkface_val.root)
    shipped = resolve("embedded")
    calibration = shipped.spec.calibration.model_copy(update={"quality": None})
    plain = Bundle(shipped.folder, shipped.spec.model_copy(update={"calibration": calibration}))
    scaled = calibrate(plain, half, ["val"], quality_only=True, output=tmp_path / "c").bundle
    refused = {}
    for name, bundle in (("before", plain), ("after", scaled)):
        batch = read_each(agelens.load(bundle, "whole"), [rest.path(sample) for sample in rest.samples])
        age = np.array([rest.samples[row].age for row in batch.rows], dtype=float)
        low = batch.quality < np.quantile(batch.quality, 0.2)
        bands = [(0, 11), (11, 31), (31, 51), (51, 101)]
        refused[name] = [float(low[(age >= a) & (age < b)].mean()) for a, b in bands]
    assert max(refused["before"]) - min(refused["before"]) > 0.3
    assert max(refused["after"]) - min(refused["after"]) < 0.2


def test_only_what_a_model_has_learnt_is_calibrated(ages_alone: Bundle, synthetic: Path) -> None:
    report = calibrate(ages_alone, read_manifest(synthetic), ["train"])
    assert [one.part for one in report.decisions] == ["age", "intervals", "quality"]
    assert report.bundle.spec.calibration.gender_temperature == 1


def test_genders_alone_are_calibrated_without_ages(genders_alone: Bundle, synthetic: Path) -> None:
    report = calibrate(genders_alone, read_manifest(synthetic), ["train"])
    assert [one.part for one in report.decisions] == ["gender", "quality"]
    assert report.bundle.spec.calibration.quality is not None
    assert report.bundle.spec.calibration.quality.ages == ()


def test_a_label_that_few_faces_carry_leaves_its_part_alone(tiny_bundle: Bundle, synthetic: Path) -> None:
    samples = read_manifest(synthetic).samples
    few = tuple(replace(s, gender=None if row % 4 else s.gender) for row, s in enumerate(samples))
    report = calibrate(tiny_bundle, Manifest(few, synthetic.parent), ["train"])
    decided = {one.part: one for one in report.decisions}
    assert decided["age"].taken
    assert not decided["gender"].taken
    assert "40 labels are too few, 60 the least" in decided["gender"].said


def test_the_shipped_bundle_is_calibrated_on_validation_alone() -> None:
    calibration = resolve("embedded").spec.calibration
    assert calibration.fitted_on == "calibration"
    assert calibration.age_intervals is not None
