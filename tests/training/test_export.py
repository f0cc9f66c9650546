from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

import agelens
from agelens.data.manifest import read_manifest, write_manifest
from agelens.errors import AgeLensError
from agelens.models.bundle import read_bundle
from agelens.training.export import PARITY, export_run
from agelens.training.fit import fit
from agelens.training.provenance import Hardware
from agelens.training.recipe import load_recipe

CPU = Hardware(accelerator="cpu", devices=1)
RECIPES = {
    "embedded-labels": [
        "network.widths=[8, 16]", "network.depths=[1, 1]", "size=33", "batch_size=16", "epochs=1",
    ],
    "cnn-scratch": ["network.widths=[8, 16]", "network.hidden=16", "size=32", "epochs=1", "workers=0"],
    "efficientnet-b4": [
        "network.backbone=tf_efficientnet_b0.ns_jft_in1k", "network.pretrained=false", "size=64", "epochs=1",
        "limit_train=32", "workers=0",
    ],
}  # fmt: skip


@pytest.fixture(scope="module", params=RECIPES)
def run(request: pytest.FixtureRequest, synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each recipe, shrunk."""
    folder = tmp_path_factory.mktemp("runs") / str(request.param)
    fit(load_recipe(request.param, RECIPES[request.param]), synthetic, folder, hardware=CPU)
    return folder


@pytest.mark.slow
def test_every_recipe_exports_to_a_bundle_that_answers_as_torch_does(
    run: Path, tmp_path: Path, astronaut: Path
) -> None:
    report = export_run(run, tmp_path / "bundle", licence="tests only", description="A test.")
    assert report.images == 64
    assert report.largest_difference < PARITY
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.spec.training.initial_weights == "random"
    assert bundle.spec.training.git_commit
    assert bundle.spec.licence == "tests only"
    assert "tests only" in (tmp_path / "bundle" / "README.md").read_text()
    session = ort.InferenceSession(bundle.model, providers=["CPUExecutionProvider"])
    size = bundle.spec.input.size
    for batch in (1, 3):  # the batch axis is dynamic
        age, gender = session.run(None, {"images": np.zeros((batch, 3, size, size), np.float32)})
        assert (age.shape, gender.shape) == ((batch, 101), (batch, 2))
    assert len(agelens.load(tmp_path / "bundle", "haar").predict(astronaut)) == 1


@pytest.mark.slow
def test_an_export_that_disagrees_with_torch_is_thrown_away(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert checkpoint["hyper_parameters"]["recipe"]["name"] == run.name
    monkeypatch.setattr("agelens.training.export.PARITY", 0.0)
    with pytest.raises(AgeLensError, match="differs from torch"):
        export_run(run, tmp_path / "bundle", licence="x")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_run_or_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgeLensError, match="is it a run"):
        export_run(tmp_path, tmp_path / "bundle", licence="x")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.ckpt").touch()
    (tmp_path / "mine").mkdir()
    shutil.copy(__file__, tmp_path / "mine" / "thesis.txt")
    with pytest.raises(AgeLensError, match="name another folder"):
        export_run(tmp_path, tmp_path / "mine", licence="x")


def test_a_bundle_says_which_heads_the_labels_taught(synthetic: Path, tmp_path: Path) -> None:
    samples = [
        replace(sample, image=str(synthetic.parent / sample.image), gender=None)
        for sample in read_manifest(synthetic).samples
    ]
    write_manifest(tmp_path / "ages.csv", samples)
    recipe = load_recipe("embedded-labels", RECIPES["embedded-labels"])
    fit(recipe, tmp_path / "ages.csv", tmp_path / "run", hardware=CPU)
    bundle = export_run(tmp_path / "run", tmp_path / "bundle", licence="tests only").bundle
    assert bundle.spec.heads == ("age",)
    (face,) = agelens.load(bundle, "whole").predict(synthetic.parent / "val-0000.png")
    assert (face.gender, face.gender_probability) == (None, None)
    assert face.age is not None
