"""The package as an application sees it: quick to import, without torch, with its model inside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

import agelens


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_import_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "cv2", "onnxruntime", "pandas", "pydantic", "rich")
    loaded = run(f"import sys, agelens; print(*[name for name in {heavy} if name in sys.modules])")
    assert loaded.split() == []


def test_predicting_and_the_command_line_never_import_torch(astronaut: Path) -> None:
    code = (
        "import sys, agelens, agelens.cli.main\n"
        f"faces = agelens.load('embedded', 'haar').predict({str(astronaut)!r})\n"
        "print(len(faces), 'torch' in sys.modules, 'pandas' in sys.modules)"
    )
    assert run(code).split() == ["1", "False", "False"]


def test_predict_is_one_call(astronaut: Path) -> None:
    (face,) = agelens.predict(astronaut)
    assert isinstance(face, agelens.Face)
    assert face.gender in agelens.Gender


def test_only_the_package_and_what_tests_it_is_distributed() -> None:
    root = Path(__file__).parents[1]
    sdist = {Path(file.relative_path).parts for file in SdistBuilder(str(root)).recurse_included_files()}
    wheel = {
        Path(file.distribution_path).parts[0] for file in WheelBuilder(str(root)).recurse_included_files()
    }
    assert {parts[0] for parts in sdist} >= {"src", "tests", "docs", "benchmarks", "README.md"}
    assert "models" not in {parts[0] for parts in sdist}  # 40 MB: they lie in a checkout alone
    assert wheel == {"agelens"}


def test_public_names_exist_and_others_do_not() -> None:
    for name in agelens.__all__:
        assert getattr(agelens, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = agelens.nonsense


def test_the_embedded_bundle_is_light_and_states_its_licence() -> None:
    from agelens.models.catalogue import resolve

    bundle = resolve("embedded")
    assert sum(path.stat().st_size for path in bundle.folder.iterdir()) <= 10e6
    assert "non-commercial" in bundle.spec.licence
    assert bundle.spec.metrics["utkface test"].images > 3000
