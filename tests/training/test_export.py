from __future__ import annotations

import json
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
from agelens.training.run import RunFolder

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
    assert report.compared.told == f"64 images of {RunFolder(run).record.data.path}"
    assert len(report.compared.pixels) == 64
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


@pytest.fixture(scope="module")
def passed_on(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What may reach another machine of a run: a checkpoint in half precision, its record, no pictures."""
    folder = tmp_path_factory.mktemp("runs")
    settings = [*RECIPES["embedded-labels"], "limit_train=32", "network.widths=[16, 64]"]
    fit(load_recipe("embedded-labels", settings), synthetic, folder / "run", hardware=CPU)
    run = RunFolder(folder / "run")
    checkpoint = torch.load(run.best, weights_only=True)
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in checkpoint["state_dict"].items()
    }
    there = folder / "there"
    there.mkdir()
    torch.save(
        {"state_dict": state, "hyper_parameters": checkpoint["hyper_parameters"]}, there / "small.ckpt"
    )
    shutil.copy(run.recipe_file, there)
    shutil.copy(run.result_file, there)
    record = json.loads(run.record_file.read_text())
    record["data"]["path"] = "/of/another/machine"
    record["data"]["sources"] = ["utk", "aaf", "mine"]
    (there / "run.json").write_text(json.dumps(record))
    return there


def test_a_run_of_another_machine_is_exported_from_what_was_passed_on(
    passed_on: Path, tmp_path: Path
) -> None:
    reports = [
        export_run(run, tmp_path / f"bundle-{number}", licence="x")
        for number, run in enumerate((passed_on, passed_on / "small.ckpt"))
    ]
    for report in reports:
        assert report.largest_difference < PARITY
        assert "of the package's examples (the run's own are not at hand)" in report.compared.told
        assert len(report.compared.pixels) >= 16
        training = read_bundle(report.bundle.folder).spec.training
        # Under whatever name a source goes, its terms are repeated.
        assert training.sources == ("all-age-faces", "mine", "utkface")
        assert training.terms.keys() == {"all-age-faces", "utkface"}
        assert training.result["val/mae"] > 0
        assert training.stored_as == "float32"


def test_faces_may_be_given_to_compare_on(passed_on: Path, synthetic: Path, tmp_path: Path) -> None:
    report = export_run(passed_on, tmp_path / "bundle", licence="x", faces=synthetic.parent)
    assert report.compared.told == f"64 images of {synthetic.parent}"
    (tmp_path / "empty").mkdir()
    with pytest.raises(AgeLensError, match="no images"):
        export_run(passed_on, tmp_path / "other", licence="x", faces=tmp_path / "empty")
    assert not (tmp_path / "other").exists()


def test_half_precision_halves_the_file_and_keeps_the_answers(
    passed_on: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = export_run(passed_on, tmp_path / "full", licence="x")
    half = export_run(passed_on, tmp_path / "half", licence="x", half=True)
    assert full.half_change is None
    assert half.half_change is not None
    assert half.half_change < 1e-3  # the checkpoint was half-precision numbers already
    sizes = [report.bundle.model.stat().st_size for report in (half, full)]
    assert sizes[0] < 0.65 * sizes[1]
    assert read_bundle(tmp_path / "half").spec.training.stored_as == "float16"
    assert "(stored in half precision)" in (tmp_path / "half" / "README.md").read_text()
    answers = [
        agelens.load(report.bundle.folder, "whole").read_faces(full.compared.pixels)
        for report in (half, full)
    ]
    np.testing.assert_allclose(answers[0].age, answers[1].age, rtol=0, atol=1e-5)
    monkeypatch.setattr("agelens.training.half.AGE_CHANGE", -1.0)
    with pytest.raises(AgeLensError, match="export it without --half"):
        export_run(passed_on, tmp_path / "refused", licence="x", half=True)
    assert not (tmp_path / "refused").exists()


def test_what_no_record_tells_may_be_stated_and_what_one_tells_may_not(
    passed_on: Path, tmp_path: Path
) -> None:
    with pytest.raises(AgeLensError, match=r"records what its weights started from \(random\)"):
        export_run(passed_on, tmp_path / "bundle", licence="x", initial_weights="gold")
    untold = tmp_path / "untold"
    shutil.copytree(passed_on, untold)
    record = json.loads((untold / "run.json").read_text())
    record["started_from"] = {"path": "grown.ckpt", "sha256": "00"}
    (untold / "run.json").write_text(json.dumps(record))
    for stated, told in ((None, "unknown"), ("gold", "gold")):
        export_run(untold, tmp_path / "bundle", licence="x", initial_weights=stated)
        assert read_bundle(tmp_path / "bundle").spec.training.initial_weights == told


def test_a_checkpoint_is_exported_without_the_weights_that_its_run_started_from(
    passed_on: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing may be fetched
    folder = tmp_path / "run"
    shutil.copytree(passed_on, folder)
    checkpoint = torch.load(folder / "small.ckpt", weights_only=True)
    checkpoint["hyper_parameters"]["recipe"]["network"]["weights"] = "/gone/since.pth"
    torch.save(checkpoint, folder / "small.ckpt")
    assert export_run(folder, tmp_path / "bundle", licence="x").largest_difference < PARITY


def test_what_is_no_run_or_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgeLensError, match="is no checkpoint, nor a run's folder"):
        export_run(tmp_path, tmp_path / "bundle", licence="x")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.ckpt").touch()
    with pytest.raises(AgeLensError, match=r"best\.ckpt is no checkpoint of 'agelens train'"):
        export_run(tmp_path, tmp_path / "bundle", licence="x")
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
