from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agelens.errors import BundleError
from agelens.models.bundle import (
    BUNDLE_FILE,
    MODEL_FILE,
    Bundle,
    Calibration,
    check_file_names,
    copy_bundle,
    read_bundle,
)
from agelens.models.catalogue import resolve


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
    with_figures = first.spec.model_copy(update={"metrics": {"val": {"images": 3}}})
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
