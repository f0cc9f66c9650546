"""The package's own wheel: built in a checkout, put together again where it is installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from agelens.apps import wheel as made
from agelens.apps.wheel import check_wheel, own_wheel, requirements_of
from agelens.errors import AgeLensError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made._built(ROOT, tmp_path_factory.mktemp("built"))


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_wheel_put_together_again_is_the_one_that_was_installed(built: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    (information,) = site.glob("*.dist-info")
    added = ("../../bin/agelens", "agelens/__pycache__/x.pyc", f"{information.name}/INSTALLER")
    with (information / "RECORD").open("a") as record:  # as pip adds to it
        record.writelines(f"{name},,\n" for name in added)
    again = made._repacked(Distribution.at(information), tmp_path / built.name)
    assert contents(again).keys() == contents(built).keys()
    name = f"{information.name}/RECORD"
    assert sorted(contents(again)[name].splitlines()) == sorted(contents(built)[name].splitlines())
    code = "import sys; sys.path.insert(0, sys.argv[1]); import agelens.version as v; print(v.__file__)"
    done = subprocess.run([sys.executable, "-c", code, again], check=True, capture_output=True, text=True)
    assert str(again) in done.stdout


def test_it_needs_what_the_package_says_of_its_extras(built: Path) -> None:
    plain, demo = requirements_of(built, set()), requirements_of(built, {"demo"})
    assert any(line.startswith("onnxruntime") for line in plain)
    assert not any(line.startswith(("gradio", "torch")) for line in plain)
    assert [line.split("<")[0] for line in demo if line not in plain] == ["gradio"]
    assert not any(";" in line for line in demo)


def test_what_is_no_wheel_of_agelens_is_refused(built: Path, tmp_path: Path) -> None:
    assert check_wheel(built) == built
    (tmp_path / "agelens-1.whl").write_text("no archive")
    for path in (tmp_path / "agelens-1.whl", tmp_path / "agelens-2.whl", tmp_path):
        with pytest.raises(AgeLensError, match="is no wheel of AgeLens"):
            check_wheel(path)


def test_without_a_checkout_and_a_record_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Editable:
        files: tuple[str, ...] = ()

    monkeypatch.setattr(made.resources, "files", lambda name: tmp_path / "agelens")
    monkeypatch.setattr(made, "distribution", lambda name: Editable())
    with pytest.raises(AgeLensError, match="--package WHEEL"):
        own_wheel(tmp_path)
