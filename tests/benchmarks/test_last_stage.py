from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from agelens.data.manifest import read_manifest
from agelens.data.pack import Pack, write_pack
from agelens.data.soft_labels import write_soft_labels
from agelens.training.datamodule import FaceDataModule
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.run import RunFolder
from agelens.training.task import AgeGenderTask

Script = Callable[[str], ModuleType]
BACKBONE = (
    "network.backbone=tf_efficientnet_b0",
    "size=48",
    "network.attention_hidden=8",
    "network.hidden=[8]",
)
SMALL = (*BACKBONE, "network.head_dropout=[0.1]", "epochs=2", "batch_size=32", "optim.ema_decay=0.5")


@pytest.fixture
def pack(synthetic: Path, tmp_path: Path) -> Path:
    write_pack(read_manifest(synthetic), tmp_path / "pack", 48)
    return tmp_path / "pack"


@pytest.fixture
def teacher(pack: Path, tmp_path: Path) -> Path:
    images = [Path(sample.image) for sample in Pack(pack).samples]
    write_soft_labels(tmp_path / "t.npz", images, np.full((288, 101), 1 / 101), np.full((288, 2), 0.5))
    return tmp_path / "t.npz"


@pytest.fixture
def recipe(script: Script, teacher: Path) -> Recipe:
    settings = (*script("last_stage").SETTINGS, *SMALL, "also=[]", f"teacher={teacher}")
    return load_recipe("flagship", settings)


@pytest.fixture
def begun(recipe: Recipe, tmp_path: Path) -> Path:
    """The checkpoint of a network that has learnt nothing yet."""
    torch.manual_seed(0)
    task = AgeGenderTask(recipe.model_dump(mode="json"), start=False)
    torch.save({"state_dict": task.state_dict(), "hyper_parameters": dict(task.hparams)}, tmp_path / "b.ckpt")
    return tmp_path / "b.ckpt"


def test_the_last_stage_learns_and_what_lies_below_stays(
    pack: Path, teacher: Path, begun: Path, tmp_path: Path, script: Script
) -> None:
    tables = [
        str(pack),
        "--teacher",
        str(teacher),
        "--start-from",
        str(begun),
        "--output",
        str(tmp_path / "run"),
    ]
    settings = [part for one in SMALL for part in ("--set", one)]
    script("last_stage").main([*tables, "--views", "2", *settings])

    run = RunFolder(tmp_path / "run")
    before, after = (AgeGenderTask.of_checkpoint(one).state_dict() for one in (begun, run.best))
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    last = ("network.backbone.blocks.6", "network.backbone.conv_head", "network.backbone.bn2")
    assert all(name.startswith((*last, "network.attention", "network.heads")) for name in changed)
    assert {name for name in before if name.startswith(last[0]) and "weight" in name} <= changed
    assert run.record.started_from is not None
    assert run.recipe.start_from == str(begun)
    assert not list(run.path.glob("*.npy")), "features of 1 GB each are not left behind"

    # The figures are those of the network that is kept, as the whole of it answers.
    task = AgeGenderTask.of_checkpoint(run.best).eval()
    faces = FaceDataModule(pack, run.recipe).val_dataloader()
    with torch.inference_mode():
        errors = [
            (task(batch.images).age.softmax(1) @ torch.arange(101.0) - batch.age).abs() for batch in faces
        ]
    result = json.loads(run.result_file.read_text("utf-8"))
    assert result["val/pack/mae"] == pytest.approx(float(torch.cat(errors).mean()), abs=0.3)


def test_features_are_those_of_the_stages_below(
    pack: Path, recipe: Recipe, begun: Path, script: Script
) -> None:
    last_stage = script("last_stage")
    task = AgeGenderTask.of_checkpoint(begun).eval()
    faces = last_stage.validation_faces(Pack(pack), recipe)
    found = last_stage.features(last_stage.compiled(last_stage.Below(task), 48), faces, 0)
    images = faces.__getitems__([(0, row) for row in range(len(faces))]).images
    with torch.inference_mode():
        whole = task(images)
        own = last_stage.LastStage(task)(torch.from_numpy(found).float())
    assert found.shape == (64, 192, 2, 2)
    # OpenVINO computes in bfloat16 where the processor multiplies it.
    torch.testing.assert_close(own.age, whole.age, atol=0.05, rtol=0.05)
