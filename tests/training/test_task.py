from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from agelens.errors import AgeLensError
from agelens.labels import Gender, Sample
from agelens.metrics import harmonic_mean
from agelens.training.dataset import NO_GENDER, Batch, FaceDataset
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.run import RunFolder
from agelens.training.task import AgeGenderTask

SHARED = Path(os.environ.get("AGELENS_SHARED", Path(__file__).parents[3] / "shared"))
TINY = ["network.widths=[8, 16]", "network.depths=[1, 1]", "size=32", "batch_size=16"]
NETWORKS = {
    "embedded-labels": TINY,
    "cnn-scratch": ["network.widths=[8, 16]", "network.hidden=16", "size=32"],
    "efficientnet-b4": [
        "network.backbone=tf_efficientnet_b0.ns_jft_in1k",
        "network.pretrained=false",
        "size=64",
    ],
}
SAMPLES = [
    Sample("a", age=20, gender=Gender.MALE),
    Sample("b", age=60, gender=Gender.FEMALE),
    Sample("c", gender=Gender.MALE),
    Sample("d", age=40),
    Sample("e", age=8, gender=Gender.FEMALE),
    Sample("f"),
]


def task_of(recipe: Recipe, hints: int = 0) -> AgeGenderTask:
    torch.manual_seed(0)
    return AgeGenderTask(recipe.model_dump(mode="json"), hints)


def batch_of(task: AgeGenderTask, hints: int = 0) -> Batch:
    size = task.recipe.size
    pixels = np.random.default_rng(0).integers(0, 256, (len(SAMPLES), size, size, 3), dtype=np.uint8)
    faces = FaceDataset(
        list(pixels),
        range(len(SAMPLES)),
        SAMPLES,
        size_at=lambda epoch: size,
        loss=task.recipe.loss,
        augmentation=None,
        seed=0,
    )
    batch = faces.__getitems__([(0, row) for row in range(len(SAMPLES))])
    return batch._replace(hint=torch.ones(len(SAMPLES), hints))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_from_a_teachers_features(name: str) -> None:
    task = task_of(load_recipe(name, [*NETWORKS[name], "loss.hint=2"]), hints=5)
    assert isinstance(task.hint, torch.nn.Linear)
    assert (task.hint.in_features, task.hint.out_features) == (task.network.num_features, 5)
    batch = batch_of(task, hints=5)
    with_hint = task.training_step(batch, 0)
    with_hint.backward()
    assert task.hint.weight.grad is not None
    assert task.hint.weight.grad.abs().max() > 0
    assert with_hint.item() > 2 * 0.5  # twice the mean squared error of a prediction near zero


def test_without_a_teacher_there_is_nothing_to_foretell() -> None:
    assert task_of(load_recipe("embedded-labels", [*TINY, "loss.hint=1"])).hint is None
    assert task_of(load_recipe("embedded-labels", TINY), hints=5).hint is None


def test_pixels_are_normalised_as_the_recipe_says() -> None:
    recipe = load_recipe("embedded-labels", [*TINY, "mean=[0.5, 0.4, 0.2]", "std=[0.5, 0.2, 0.1]"])
    white = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
    assert task_of(recipe)._normalised(white).flatten().tolist() == pytest.approx([1, 3, 8])


def test_the_figures_are_those_of_sklearn_over_all_batches() -> None:
    task = task_of(load_recipe("embedded-labels", TINY)).eval()
    batch = batch_of(task)
    halves = [Batch(*(part[rows] for part in batch)) for rows in (slice(0, 2), slice(2, 6))]
    with torch.inference_mode():
        logits = task(batch.images)
        for half in halves:
            task._measure(task.val_metrics, half)
    figures = {name: float(value) for name, value in task.val_metrics.compute().items()}
    age = (logits.age.softmax(1) @ torch.arange(101.0)).numpy()
    known = [0, 1, 3, 4]
    error = age[known] - np.array([20, 60, 40, 8])
    assert figures["val/mae"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    rmse = math.sqrt(np.square(error).mean())
    assert figures["val/rmse"] == pytest.approx(rmse, rel=1e-4)
    labelled = [0, 1, 2, 4]
    answers, labels = logits.gender.argmax(1).numpy()[labelled], np.array([0, 1, 0, 1])
    macro_f1 = f1_score(labels, answers, average="macro")
    assert figures["val/gender_accuracy"] == pytest.approx((answers == labels).mean())
    assert figures["val/gender_macro_f1"] == pytest.approx(macro_f1)
    # The competition's score, its RMSE capped at 30 years.
    assert figures["val/score"] == pytest.approx(
        harmonic_mean(macro_f1, 1 - min(rmse, 30) / 30) if macro_f1 else 0, abs=1e-4
    )


@pytest.mark.parametrize("labelled", ["ages", "genders"])
def test_one_kind_of_label_alone_chooses_the_epoch(labelled: str) -> None:
    task = task_of(load_recipe("embedded-labels", TINY)).eval()
    batch = batch_of(task)
    if labelled == "ages":
        batch = batch._replace(gender=torch.full_like(batch.gender, NO_GENDER))
    else:
        batch = batch._replace(age=torch.full_like(batch.age, math.nan))
    with torch.inference_mode():
        task._measure(task.val_metrics, batch)
    figures = {name: float(value) for name, value in task.val_metrics.compute().items()}
    alone = 1 - min(figures["val/rmse"], 30) / 30 if labelled == "ages" else figures["val/gender_macro_f1"]
    assert figures["val/score"] == pytest.approx(alone)
    assert alone > 0


def test_figures_begin_anew_after_they_are_computed() -> None:
    task = task_of(load_recipe("embedded-labels", TINY)).eval()
    batch = batch_of(task)
    with torch.inference_mode():
        task._measure(task.val_metrics, batch)
        first = task.val_metrics.compute()
        task._measure(task.val_metrics, Batch(*(part[:1] for part in batch)))
        second = task.val_metrics.compute()
        task._measure(task.val_metrics, batch)
    again = task.val_metrics.compute()
    assert {name: float(value) for name, value in again.items()} == pytest.approx(
        {name: float(value) for name, value in first.items()}
    )
    assert float(second["val/mae"]) != pytest.approx(float(first["val/mae"]))


def test_a_checkpoint_in_half_precision_becomes_a_task_in_single(tmp_path: Path) -> None:
    task = task_of(load_recipe("embedded-labels", [*TINY, "loss.hint=1"]), 5)
    state = {name: one.half() if one.is_floating_point() else one for name, one in task.state_dict().items()}
    content = {"state_dict": state, "hyper_parameters": dict(task.hparams)}
    torch.save(content, tmp_path / "half.ckpt")
    again = AgeGenderTask.of_checkpoint(tmp_path / "half.ckpt")
    assert again.recipe == task.recipe
    for name, value in again.state_dict().items():
        assert value.dtype in (torch.float32, torch.int64)
        torch.testing.assert_close(value, task.state_dict()[name], rtol=1e-3, atol=1e-6)


def test_a_checkpoint_needs_no_initial_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing may be fetched
    task = task_of(load_recipe("efficientnet-b4", NETWORKS["efficientnet-b4"]))
    for network in ({"pretrained": True}, {"weights": "/gone.pth"}):
        recipe = task.recipe.model_dump(mode="json")
        recipe["network"].update(network)
        content = {
            "state_dict": task.state_dict(),
            "hyper_parameters": {"recipe": recipe, "hint_features": 0},
        }
        torch.save(content, tmp_path / "t.ckpt")
        again = AgeGenderTask.of_checkpoint(tmp_path / "t.ckpt")
        assert torch.equal(next(again.parameters()), next(task.parameters()))


def test_what_is_no_checkpoint_of_a_task_is_a_sentence(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "bare.ckpt")
    (tmp_path / "text.ckpt").write_text("nonsense")
    (tmp_path / "film.avi").write_bytes(
        b"RIFF\x00\x10\x00\x00AVI LIST" + bytes(4000)
    )  # numbers to an unpickler
    (tmp_path / "empty.ckpt").touch()
    for name in ("bare.ckpt", "text.ckpt", "film.avi", "empty.ckpt"):
        with pytest.raises(AgeLensError, match=rf"{name} is no checkpoint of 'agelens train'"):
            AgeGenderTask.of_checkpoint(tmp_path / name)


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0), (1, 1)])
def test_a_teacher_may_join_or_leave_between_two_runs(before: int, after: int, tmp_path: Path) -> None:
    first, second = (
        task_of(load_recipe("embedded-labels", [*TINY, f"loss.hint={hint}"]), 5) for hint in (before, after)
    )
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(1)
    torch.save({"state_dict": first.state_dict()}, tmp_path / "task.ckpt")
    second.take_weights(tmp_path / "task.ckpt")
    for one, other in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, other)
    if first.hint is not None and second.hint is not None:
        assert torch.equal(first.hint.weight, second.hint.weight)


def test_another_teachers_predictor_is_not_taken_over(tmp_path: Path) -> None:
    recipe = load_recipe("embedded-labels", [*TINY, "loss.hint=1"])
    torch.save({"state_dict": task_of(recipe, 5).state_dict()}, tmp_path / "task.ckpt")
    other = task_of(recipe, 7)
    other.take_weights(tmp_path / "task.ckpt")
    assert isinstance(other.hint, torch.nn.Linear)
    assert other.hint.out_features == 7


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(
        {"state_dict": task_of(load_recipe("cnn-scratch", NETWORKS["cnn-scratch"])).state_dict()},
        tmp_path / "cnn.ckpt",
    )
    with pytest.raises(AgeLensError, match="start from a run of the same network"):
        task_of(load_recipe("embedded-labels", TINY)).take_weights(tmp_path / "cnn.ckpt")


@pytest.mark.parametrize(
    ("name", "checkpoint"),
    [("flagship", "efficientnet-b4-224.ckpt"), ("embedded", "checkpoints/best.ckpt")],
)
def test_checkpoints_written_before_are_still_read(name: str, checkpoint: str) -> None:
    run = RunFolder(SHARED / name)
    if not run.recipe_file.exists():
        pytest.skip(f"no {run.recipe_file}")
    task = task_of(run.recipe)
    task.take_weights(run.path / checkpoint)
    state = torch.load(run.path / checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    for key, value in task.network.state_dict().items():
        assert torch.equal(value, state[f"network.{key}"].to(value.dtype))
