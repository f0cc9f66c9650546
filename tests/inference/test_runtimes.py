from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

import agelens
from agelens import ages
from agelens.errors import AgeLensError, BundleError
from agelens.faces.images import open_image, resize_to_square
from agelens.inference.runtimes import RuntimeName, load_network


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_model_that_a_runtime_cannot_load_is_a_sentence(tmp_path: Path, runtime: RuntimeName) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not onnx")
    with pytest.raises(BundleError, match=f"cannot be loaded by {runtime}"):
        load_network(tmp_path / "model.onnx", runtime, 1)


def test_a_runtime_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="onnxruntime, openvino, cuda, not 'tensorrt'"):
        agelens.load("embedded", "whole", runtime="tensorrt")  # type: ignore[arg-type]


def test_cuda_that_is_not_there_is_a_sentence_and_never_the_processor() -> None:
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(AgeLensError, match="onnxruntime-gpu"):
        agelens.load("embedded", "whole", runtime="cuda")


def test_a_device_that_cuda_does_not_find_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    # ONNX Runtime then goes on with the processor: that, nobody asked for.
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(AgeLensError, match="could not begin to use a CUDA device"):
        agelens.load("embedded", "whole", runtime="cuda")


def test_openvino_answers_alike_from_many_threads(astronaut: Path) -> None:
    predictor = agelens.load("embedded", "whole")
    size = predictor.bundle.spec.input.size
    portrait = open_image(astronaut).pixels
    corners = np.random.default_rng(0).integers((38, 148), (62, 172), (24, 2))  # around the face
    crops = np.stack([resize_to_square(portrait[y : y + 130, x : x + 130], size) for y, x in corners])
    other = agelens.load("embedded", "whole", runtime="openvino", threads=1)
    here = predictor.read_faces(crops)
    with ThreadPoolExecutor(4) as pool:
        there = list(pool.map(lambda row: other.read_faces(crops[row : row + 1]), range(24)))
    for row, reading in enumerate(there):
        assert abs(ages.expectation(reading.age)[0] - ages.expectation(here.age)[row]) < 0.5
        np.testing.assert_allclose(reading.gender[0], here.gender[row], atol=0.02)
