from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from agelens.errors import AgeLensError
from agelens.inference.answers import Reading
from agelens.training.half import check_half, store_half

Weights = dict[str, NDArray[np.float32]]


def written(path: Path, weights: Weights) -> Weights:
    """An ONNX file of two layers; returns its weights."""
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 8, 8])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", 5])
    nodes = [
        helper.make_node("Conv", ["images", "filters", "bias"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("MatMul", ["features", "matrix"], ["answer"]),
    ]
    tensors = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "two", [images], [answer], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return weights


def drawn(seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)
    shapes = {"filters": (7, 3, 3, 3), "bias": (7,), "matrix": (7, 5)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def answers(path: Path) -> NDArray[np.float32]:
    images = np.random.default_rng(9).normal(size=(4, 3, 8, 8)).astype(np.float32)
    (answer,) = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"images": images})
    return answer


def test_matrices_and_filters_are_stored_in_half_and_the_answers_stay(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    weights = written(path, drawn())
    before = answers(path)
    store_half(path, {})
    stored = {one.name: one.data_type for one in onnx.load(path).graph.initializer}
    halves = {name for name, kind in stored.items() if kind == TensorProto.FLOAT16}
    assert halves == {"filters_half", "matrix_half"}
    assert stored["bias"] == TensorProto.FLOAT
    onnx.checker.check_model(path, full_check=True)
    after = answers(path)
    assert 0 < np.abs(after - before).max() < 0.01 * np.abs(weights["matrix"]).max()


def test_weights_that_were_half_precision_numbers_are_kept_whatever_scale_was_folded_in(
    tmp_path: Path,
) -> None:
    path = tmp_path / "model.onnx"
    rng = np.random.default_rng(3)
    learnt = {name: one.astype(np.float16).astype(np.float32) for name, one in drawn().items()}
    learnt["filters"][2] = 0  # a filter that has died
    scale = rng.uniform(-3, 3, (7, 1, 1, 1)).astype(np.float32)
    written(path, {**learnt, "filters": learnt["filters"] * scale})
    before = answers(path)
    store_half(path, learnt)
    np.testing.assert_allclose(answers(path), before, rtol=0, atol=2e-6)
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
    np.testing.assert_array_equal(stored["filters_half"].astype(np.float32), learnt["filters"])
    np.testing.assert_array_equal(stored["matrix_half"].astype(np.float32), learnt["matrix"])


def test_weights_beyond_the_range_of_half_precision_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    weights = drawn()
    weights["matrix"][0, 0] = 1e6
    written(path, weights)
    store_half(path, {"filters": np.zeros((3, 3), np.float32)})  # of another shape: it tells nothing
    stored = {one.name: one.data_type for one in onnx.load(path).graph.initializer}
    assert stored["matrix"] == TensorProto.FLOAT
    assert stored["filters_half"] == TensorProto.FLOAT16
    assert np.isfinite(answers(path)).all()


def test_the_runtime_computes_the_casts_when_it_loads_the_file(tmp_path: Path) -> None:
    path, optimised = tmp_path / "model.onnx", tmp_path / "optimised.onnx"
    written(path, drawn())
    store_half(path, {})
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(optimised)
    options.log_severity_level = 3
    ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    assert {"Cast", "Mul"} & {node.op_type for node in onnx.load(optimised).graph.node} == set()


@pytest.mark.parametrize(("moved", "passes"), [(0.0004, True), (0.0006, False)])
def test_half_precision_that_changes_an_age_by_a_twentieth_of_a_year_is_refused(
    moved: float, passes: bool
) -> None:
    age = np.zeros((3, 101), np.float32)
    age[:, 0] = 1
    changed = age.copy()
    changed[1, 0], changed[1, 100] = 1 - moved, moved
    gender = np.full((3, 2), 0.5, np.float32)
    full, half = Reading(age, gender), Reading(changed, gender)
    if passes:
        assert check_half(full, half) == pytest.approx(100 * moved, rel=1e-3)
    else:
        with pytest.raises(AgeLensError, match=r"an age changes by 0.06 years .* without --half"):
            check_half(full, half)
    with pytest.raises(AgeLensError, match=r"a probability by 0.02"):
        check_half(full, Reading(age, gender + np.array([0.02, -0.02], np.float32)))
    with pytest.raises(AgeLensError, match="without --half"):
        check_half(full, Reading(np.full_like(age, np.nan), gender))
