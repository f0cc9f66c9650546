"""The weights to train on from that lie beside the package: of the very networks that ship, under hashes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import TypeAdapter

from agelens.ages import softmax
from agelens.errors import BundleError
from agelens.faces.images import open_image
from agelens.inference.answers import Reading
from agelens.models import catalogue
from agelens.models.bundle import WEIGHTS_FILE, read_bundle
from agelens.models.catalogue import NAMES, resolve, weights_of
from agelens.nn import NetworkConfig, build_network
from agelens.nn.weights import take_weights
from agelens.training.export import PARITY
from agelens.training.parity import largest_difference, views

MODELS = Path(__file__).parents[2] / "models"
pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason="the models lie in a checkout alone")


@pytest.mark.parametrize("name", NAMES)
def test_they_answer_as_the_network_does(name: str, astronaut: Path) -> None:
    weights, bundle = weights_of(name), read_bundle(MODELS / name)
    spec = bundle.spec
    assert weights == MODELS / name / WEIGHTS_FILE
    network = build_network(
        TypeAdapter(NetworkConfig).validate_python(spec.training.recipe["network"]), start=False
    )
    take_weights(network, weights)
    pixels = np.stack(views(open_image(astronaut).pixels, spec.input.size)[::4]) / np.float32(255)
    inputs = ((pixels - np.float32(spec.input.mean)) / np.float32(spec.input.std)).transpose(0, 3, 1, 2)
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(np.ascontiguousarray(inputs)))
    session = onnxruntime.InferenceSession(str(bundle.model))
    age, gender = session.run(None, {"images": np.ascontiguousarray(inputs)})
    shipped = Reading(softmax(age), softmax(gender))
    own = Reading(softmax(logits.age.numpy()), softmax(logits.gender.numpy()))
    assert largest_difference(shipped, own) < PARITY


def test_the_model_beside_the_package_is_the_one_inside() -> None:
    inside, beside = resolve("embedded").spec, read_bundle(MODELS / "embedded").spec
    assert {name: digest for name, digest in beside.files.items() if name != WEIGHTS_FILE} == inside.files
    assert beside.model_copy(update={"files": inside.files}) == inside


def test_without_a_checkout_it_is_said_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_in_checkout", lambda name: None)
    with pytest.raises(BundleError, match="models/embedded of a checkout"):
        weights_of("embedded")
