"""The weights to train on from that lie beside the package: of the very networks that ship, under hashes."""

from __future__ import annotations

import shutil
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
from agelens.models.catalogue import NAMES, bundle_of_weights, resolve, weights_of
from agelens.nn.build import build_network
from agelens.nn.config import NetworkConfig
from agelens.nn.weights import take_weights
from agelens.training.export import PARITY
from agelens.training.parity import largest_difference, views

MODELS = Path(__file__).parents[2] / "models"
pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason="the models lie in a checkout alone")


@pytest.mark.parametrize("name", NAMES)
def test_they_answer_as_the_network_does(name: str, astronaut: Path) -> None:
    weights, bundle = weights_of(name), resolve(name)
    spec = bundle.spec
    assert weights == MODELS / "weights" / f"{name}.safetensors"
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
    # Both are rounded to half precision, the bundle's weights after its norms were folded into them.
    bound = 10 * PARITY if spec.training.stored_as == "float16" else PARITY
    assert largest_difference(shipped, own) < bound


def test_a_file_of_weights_knows_its_model(tmp_path: Path) -> None:
    model = bundle_of_weights(weights_of("embedded"))
    assert model is not None
    assert model.fingerprint == resolve("embedded").fingerprint
    assert bundle_of_weights(tmp_path / "embedded.safetensors") is None


def test_weights_that_are_not_what_their_hash_says_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(MODELS / "weights", tmp_path / "weights")
    with (tmp_path / "weights" / "embedded.safetensors").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(catalogue, "_in_checkout", lambda place: tmp_path / place)
    with pytest.raises(BundleError, match="is not what SHA256SUMS beside it says"):
        weights_of("embedded")


def test_without_a_checkout_it_is_said_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_in_checkout", lambda place: None)
    with pytest.raises(BundleError, match=r"models/weights/embedded\.safetensors of a checkout"):
        weights_of("embedded")
