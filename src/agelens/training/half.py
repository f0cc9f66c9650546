"""A network's weights in half the bytes: stored as float16, computed with in float32 as before.

Each matrix and filter becomes a float16 constant, a cast to float32 and a scale. ONNX Runtime and OpenVINO
compute these when they load the file, so that it answers as fast as the full one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from agelens.errors import AgeLensError
from agelens.inference.answers import Reading
from agelens.training.parity import largest_age_difference, largest_difference

#: Largest change that rounding to half precision may make, on any face: of an age, years; of a probability.
AGE_CHANGE, PROBABILITY_CHANGE = 0.05, 0.01


def store_half(model: Path, learnt: Mapping[str, NDArray[np.float32]]) -> None:
    """Rewrite an ONNX file with its float32 weights of two dimensions and more as float16.

    Biases and what else is small stay as they are, as do weights beyond float16's range. ``learnt`` are the
    weights by name as training left them. The exporter has multiplied each output's by the scale of its batch
    norm; here that stays apart, so that weights which were half-precision numbers are kept exactly.
    """
    network = onnx.load(model)
    graph = network.graph
    nodes: list[onnx.NodeProto] = []
    scales: list[onnx.TensorProto] = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        name, values = weight.name, numpy_helper.to_array(weight)
        scale = _scale(values, learnt.get(name))
        unscaled = values / scale
        if np.abs(unscaled).max(initial=0) > np.finfo(np.float16).max:
            continue
        half, full = f"{name}_half", f"{name}_full"
        scales.append(numpy_helper.from_array(scale, f"{name}_scale"))
        nodes.append(helper.make_node("Cast", [half], [full], name=full, to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [full, f"{name}_scale"], [name], name=f"{name}_scaled"))
        weight.CopyFrom(numpy_helper.from_array(unscaled.astype(np.float16), half))
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(scales)
    onnx.save(network, model)


def _scale(folded: NDArray[np.float32], learnt: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """What the weights of each output were multiplied by: (outputs, 1, …), one where nothing tells."""
    scale = np.ones((len(folded), *[1] * (folded.ndim - 1)))
    if learnt is not None and learnt.shape == folded.shape:
        axes = tuple(range(1, folded.ndim))
        learnt = learnt.astype(np.float64)
        power = np.square(learnt).sum(axes, keepdims=True)
        np.divide((folded * learnt).sum(axes, keepdims=True), power, out=scale, where=power > 0)
    return np.where(scale == 0, 1, scale).astype(np.float32)


def check_half(full: Reading, half: Reading) -> float:
    """The largest change of an age, years, that half precision makes on the same faces.

    Raises:
        AgeLensError: it is over ``AGE_CHANGE``, or a probability's is over ``PROBABILITY_CHANGE``.
    """
    years, probability = largest_age_difference(full, half), largest_difference(full, half)
    if not (years <= AGE_CHANGE and probability <= PROBABILITY_CHANGE):
        raise AgeLensError(
            f"in half precision an age changes by {years:.2g} years and a probability by {probability:.2g}; "
            f"at most {AGE_CHANGE:g} years and {PROBABILITY_CHANGE:g} pass: export it without --half"
        )
    return years
