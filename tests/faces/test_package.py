from __future__ import annotations

import subprocess
import sys

import pytest

from agelens import faces


def test_every_public_name_is_there_and_no_other() -> None:
    for name in faces.__all__:
        assert getattr(faces, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = faces.nonsense


def test_opening_an_image_does_not_load_the_runtime_of_the_detectors() -> None:
    code = "import sys; from agelens.faces import open_image; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
