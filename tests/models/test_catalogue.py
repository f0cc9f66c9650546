from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import agelens
from agelens.errors import AgeLensError, BundleError
from agelens.models.bundle import Bundle
from agelens.models.catalogue import resolve


def test_a_bundle_is_found_by_name_and_by_path(tiny_bundle: Bundle) -> None:
    assert resolve(tiny_bundle.folder).spec == resolve(str(tiny_bundle.folder)).spec == tiny_bundle.spec
    assert resolve("embedded").spec.name == "embedded"


@pytest.mark.parametrize("name", ["no-such-model", "/nowhere/at/all"])
def test_an_unknown_model_says_what_models_are(name: str) -> None:
    with pytest.raises(BundleError, match=r"neither 'embedded', nor.*hf://owner/repo"):
        resolve(name)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package in ``src/``, as a checkout of the project has it."""
    folder = tmp_path / "checkout"
    source = Path(agelens.__file__).parent
    shutil.copytree(source, folder / "src" / "agelens", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def said(package_in: Path, code: str, work_in: Path | None = None) -> str:
    """What a Python that runs the package of that folder answers, at work in another if one is given."""
    code = f"from agelens.models.catalogue import *\nfrom agelens.errors import BundleError\n{code}"
    environment = {**os.environ, "PYTHONPATH": str(package_in)}
    command = [sys.executable, "-c", code]
    where = work_in or package_in
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=where)
    return done.stdout


ASK = """
try:
    print(models_at_hand(), resolve("efficientnet-b4").folder)
except BundleError as error:
    print(models_at_hand(), error)
"""


def test_a_checkout_has_the_models_that_lie_beside_its_package(checkout: Path, tiny_bundle: Bundle) -> None:
    absent = said(checkout / "src", ASK)
    assert absent.startswith("['embedded'] the model 'efficientnet-b4' is too large for the package")
    assert "models/efficientnet-b4 of a checkout" in absent
    assert "of a copy that is published (hf://owner/repo" in absent
    beside = checkout / "models" / "efficientnet-b4"
    shutil.copytree(tiny_bundle.folder, beside)
    assert said(checkout / "src", ASK) == f"['embedded', 'efficientnet-b4'] {beside}\n"
    (beside / "model.onnx").unlink()
    assert "model.onnx is missing" in said(checkout / "src", ASK)


def test_an_installed_package_finds_those_of_the_checkout_it_works_in_alone(
    checkout: Path, tiny_bundle: Bundle
) -> None:
    shutil.copytree(tiny_bundle.folder, checkout / "models" / "efficientnet-b4")
    installed = checkout / "site-packages"
    (checkout / "src").rename(installed)
    assert "is too large for the package" in said(installed, ASK)
    assert (
        said(installed, ASK, checkout)
        == f"['embedded', 'efficientnet-b4'] {checkout}/models/efficientnet-b4\n"
    )
    # A folder of that name is a folder.
    shutil.copytree(tiny_bundle.folder, installed / "efficientnet-b4")
    assert said(installed, ASK) == "['embedded'] efficientnet-b4\n"


def test_an_address_of_no_known_hub_is_refused() -> None:
    with pytest.raises(AgeLensError, match="is no address of a model"):
        resolve("s3://bucket/model")
