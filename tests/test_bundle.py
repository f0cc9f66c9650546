from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agelens.bundle import BUNDLE_FILE, CARD_FILE, MODEL_FILE, read_bundle
from agelens.card import record_metrics
from agelens.catalogue import resolve
from agelens.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the embedded bundle to damage."""
    return Path(shutil.copytree(resolve("embedded").folder, tmp_path / "bundle"))


def edit(folder: Path, **changes: object) -> None:
    content = json.loads((folder / BUNDLE_FILE).read_text())
    (folder / BUNDLE_FILE).write_text(json.dumps(content | changes))


def test_a_bundle_is_found_by_name_and_by_path(bundle: Path) -> None:
    assert resolve(bundle).spec == resolve(str(bundle)).spec == resolve("embedded").spec


@pytest.mark.parametrize("name", ["no-such-model", "/nowhere/at/all"])
def test_an_unknown_model_says_what_models_are(name: str) -> None:
    with pytest.raises(BundleError, match="neither 'embedded' nor"):
        resolve(name)


def test_an_address_is_no_folder() -> None:
    with pytest.raises(BundleError, match="download it"):
        resolve("hf://owner/repo")


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a model bundle"):
        read_bundle(tmp_path)


def test_a_changed_file_is_refused(bundle: Path) -> None:
    data = bytearray((bundle / MODEL_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / MODEL_FILE).write_bytes(data)
    with pytest.raises(BundleError, match="damaged or changed"):
        read_bundle(bundle)


def test_a_missing_file_is_refused(bundle: Path) -> None:
    (bundle / MODEL_FILE).unlink()
    with pytest.raises(BundleError, match="incomplete"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 99}, "schema version 99"),
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


def test_recorded_metrics_reach_the_card_and_the_hashes_follow(bundle: Path) -> None:
    figure = {"value": 4.321, "low": 4.2, "high": 4.4}
    report = {
        "images": 12,
        "figures": {"mae": figure},
        "by_age": [{"ages": "0–2", "images": 3, "mae": 1.234, "bias": -0.5}],
    }
    record_metrics(read_bundle(bundle), "val", report)
    card = (bundle / CARD_FILE).read_text()
    assert "4.32 [4.20, 4.40]" in card
    assert "| 0–2 | 3 | 1.23 | -0.50 |" in card
    assert read_bundle(bundle).spec.metrics["val"]["images"] == 12
