from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agelens.errors import BundleError
from agelens.faces.quality import QualityScale
from agelens.models.bundle import (
    BUNDLE_FILE,
    METRICS_FILE,
    MODEL_FILE,
    Bundle,
    check_file_names,
    copy_bundle,
    read_bundle,
    record_measurement,
    write_bundle,
)
from agelens.models.catalogue import resolve
from agelens.models.measurement import Headline, Measurement
from agelens.models.spec import BundleSpec, Calibration, Fitted


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the embedded bundle to damage."""
    return Path(shutil.copytree(resolve("embedded").folder, tmp_path / "bundle"))


def edit(folder: Path, **changes: object) -> None:
    content = json.loads((folder / BUNDLE_FILE).read_text())
    (folder / BUNDLE_FILE).write_text(json.dumps(content | changes))


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a model bundle"):
        read_bundle(tmp_path)


def test_a_changed_file_is_refused(bundle: Path) -> None:
    data = bytearray((bundle / MODEL_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / MODEL_FILE).write_bytes(data)
    with pytest.raises(BundleError, match="damaged or changed"):
        read_bundle(bundle)


def test_the_fingerprint_moves_with_the_calibration_but_not_with_the_figures(bundle: Path) -> None:
    first = read_bundle(bundle)
    with_figures = first.spec.model_copy(update={"metrics": {"val": Headline(images=3, figures={})}})
    assert Bundle(bundle, with_figures).fingerprint == first.fingerprint
    warmer = first.spec.model_copy(update={"calibration": Calibration(age_temperature=1.1)})
    assert Bundle(bundle, warmer).fingerprint != first.fingerprint


def test_a_missing_file_is_refused(bundle: Path) -> None:
    (bundle / MODEL_FILE).unlink()
    with pytest.raises(BundleError, match="incomplete"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 99}, "schema version 99"),
        ({"schema_version": 0}, "schema version 0"),
        ({"metrics": {"test": {"images": "many"}}}, "metrics.test.images"),
        ({"training": {"images": 3}}, "training.images"),
        ({"surprise": 1}, "surprise"),
        ({"input": {"size": "big"}}, "input"),
        ({"genders": ["female", "male"]}, "genders male, female"),
        ({"ages": [0, 1, 2]}, "0..100"),
        ({"files": {}}, "lists no model.onnx"),
        ({"files": {MODEL_FILE: "0" * 64}}, "damaged"),
    ],
)
def test_a_wrong_bundle_file_is_named(bundle: Path, changes: dict[str, object], message: str) -> None:
    edit(bundle, **changes)
    with pytest.raises(BundleError, match=message):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["../outside", "a/b", "..", "/etc/passwd"])
def test_a_path_that_leaves_the_folder_is_refused(bundle: Path, name: str) -> None:
    files = json.loads((bundle / BUNDLE_FILE).read_text())["files"]
    edit(bundle, files=files | {name: "0" * 64})
    with pytest.raises(BundleError, match="plain file name"):
        read_bundle(bundle)


def test_a_file_that_the_bundle_does_not_name_is_refused(bundle: Path) -> None:
    (bundle / ".gitattributes").write_text("a hub's own")
    read_bundle(bundle)
    (bundle / "extra.pkl").write_bytes(b"more")
    with pytest.raises(BundleError, match=r"does not name: extra\.pkl"):
        read_bundle(bundle)


def test_names_are_checked_for_either_systems_separators() -> None:
    for name in ("..", "a/b", "a\\b", ""):
        with pytest.raises(BundleError, match="plain file name"):
            check_file_names([name, BUNDLE_FILE, MODEL_FILE], "hf://a/b")


def test_a_list_of_files_without_a_bundle_is_refused() -> None:
    check_file_names([BUNDLE_FILE, MODEL_FILE, "README.md"], "hf://a/b")
    with pytest.raises(BundleError, match=f"hf://a/b is no bundle: it has no {BUNDLE_FILE}"):
        check_file_names([MODEL_FILE], "hf://a/b")


def test_a_copy_holds_the_bundle_alone(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tiny_bundle.folder / ".DS_Store").touch()
    (tmp_path / "copy").mkdir()
    copy_bundle(tiny_bundle, tmp_path / "copy")
    assert read_bundle(tmp_path / "copy").spec == tiny_bundle.spec
    assert not (tmp_path / "copy" / ".DS_Store").exists()


def test_the_shipped_bundles_fingerprint_is_the_one_it_has_always_had() -> None:
    assert resolve("embedded").fingerprint == (
        "d0feaa072e02cd0b143aadd0df56b6d96e9b185a0b28d2b41715939d51db9652"
    )


def test_the_fingerprint_changes_with_what_answers_depend_on(tiny_bundle: Bundle) -> None:
    def changed(**values: object) -> str:
        return Bundle(tiny_bundle.folder, tiny_bundle.spec.model_copy(update=values)).fingerprint

    scale = QualityScale(ages=(), entropy=(), quantiles={})
    variants = [
        tiny_bundle.fingerprint,
        changed(heads=("age",)),
        changed(calibration=Calibration(quality=scale)),
        changed(calibration=Calibration(age_temperature=2.0)),
    ]
    assert len(set(variants)) == 4
    noted = Calibration(parts={"age": Fitted(on="val", images=9)})
    assert changed(calibration=noted) == changed(calibration=Calibration())


def test_an_older_bundle_has_learnt_both_heads_and_its_calibration_is_of_one_piece() -> None:
    spec = resolve("embedded").spec
    content = spec.model_dump(mode="json", exclude={"heads": True, "calibration": {"quality", "parts"}})
    old = BundleSpec.model_validate(content)
    assert old.heads == ("age", "gender")
    assert old.calibration.quality is None
    fitted = old.calibration.fitted("intervals")
    assert fitted is not None
    assert fitted.images == old.calibration.images
    assert old.calibration.fitted("quality") is None
    with pytest.raises(ValueError, match="at least 1"):
        BundleSpec.model_validate({**content, "heads": []})


def test_the_contract_is_short_and_the_evaluations_lie_beside_it() -> None:
    bundle = resolve("embedded")
    assert (bundle.folder / BUNDLE_FILE).stat().st_size < 32_000
    whole = bundle.measurements()
    assert {split: one.headline for split, one in whole.items()} == bundle.spec.metrics
    assert len(whole["utkface test"].groups) > 30
    assert len(whole["utkface test"].age_checks) > 100


def test_changed_or_broken_evaluations_are_refused(bundle: Path) -> None:
    text = (bundle / METRICS_FILE).read_text()
    (bundle / METRICS_FILE).write_text(text.replace("3613", "3614"))
    with pytest.raises(BundleError, match=r"metrics\.json is damaged or changed"):
        read_bundle(bundle)
    (bundle / METRICS_FILE).write_text('{"test": {"images": 3}}')
    with pytest.raises(BundleError, match=r"metrics\.json is not valid: test\.figures"):
        Bundle(bundle, resolve("embedded").spec).measurements()


def as_version_1(bundle: Path) -> BundleSpec:
    """Fold a bundle back into what version 1 wrote: everything in ``bundle.json``."""
    content = json.loads((bundle / BUNDLE_FILE).read_text())
    whole = json.loads((bundle / METRICS_FILE).read_text())
    for one in whole.values():
        one["refusing"] = one.pop("risk_coverage")
    del content["training"]["terms"], content["files"][METRICS_FILE]
    del content["training"]["result"]
    metrics = {"at_training": {"val/mae": 4.5}, **whole}
    (bundle / BUNDLE_FILE).write_text(json.dumps(content | {"schema_version": 1, "metrics": metrics}))
    (bundle / METRICS_FILE).unlink()
    return read_bundle(bundle).spec


def test_a_bundle_of_version_1_is_read_and_a_new_evaluation_makes_it_one_of_version_2(bundle: Path) -> None:
    today = resolve("embedded")
    spec = as_version_1(bundle)
    assert spec.metrics == today.spec.metrics
    assert spec.training.result == {"val/mae": 4.5}
    assert Bundle(bundle, spec).measurements() == today.measurements()
    assert Bundle(bundle, spec).fingerprint == today.fingerprint
    rewritten = record_measurement(Bundle(bundle, spec), Measurement(split="other", images=3, figures={}))
    assert rewritten.spec.schema_version == 2
    assert set(rewritten.spec.metrics) == {*today.spec.metrics, "other"}
    assert rewritten.measurements()["utkface test"] == today.measurements()["utkface test"]
    assert rewritten.spec.training.result == {"val/mae": 4.5}


def test_a_bundle_of_version_1_without_evaluations_is_read(bundle: Path) -> None:
    as_version_1(bundle)
    edit(bundle, metrics={"at_training": {"val/mae": 4.5}})
    read = read_bundle(bundle)
    assert (read.spec.metrics, read.measurements()) == ({}, {})


def test_what_another_version_recorded_of_a_training_is_kept(bundle: Path) -> None:
    content = json.loads((bundle / BUNDLE_FILE).read_text())
    edit(bundle, training=content["training"] | {"cluster": "large"})
    read = read_bundle(bundle)
    write_bundle(bundle, read.spec, {})
    assert json.loads((bundle / BUNDLE_FILE).read_text())["training"]["cluster"] == "large"


def test_lists_of_numbers_stand_on_one_line_and_texts_are_left_as_they_are(tiny_bundle: Bundle) -> None:
    odd = "a [\n  1,\n  2\n] of [words, more]"
    spec = tiny_bundle.spec.model_copy(update={"description": odd})
    assert write_bundle(tiny_bundle.folder, spec, {}).spec.description == odd
    assert '"mean": [0.5, 0.5, 0.5],\n' in (tiny_bundle.folder / BUNDLE_FILE).read_text()
