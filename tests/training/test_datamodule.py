from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agelens.data.manifest import read_manifest, write_manifest
from agelens.data.pack import write_pack
from agelens.data.soft_labels import write_soft_labels
from agelens.errors import ManifestError
from agelens.labels import Gender, Sample
from agelens.training.datamodule import FaceDataModule
from agelens.training.recipe import load_recipe

TINY = ["network.widths=[8, 16]", "network.depths=[1, 1]", "size=32", "batch_size=16"]


def test_batches_carry_labels_beside_their_images(synthetic: Path) -> None:
    data = FaceDataModule(synthetic, load_recipe("embedded-labels", TINY))
    batch = next(iter(data.val_dataloader()))
    assert batch.images.shape == (64, 3, 32, 32)
    assert batch.images.dtype == torch.uint8
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(batch.age_target.sum(1), torch.ones(64))
    brightness = batch.images.float().mean((1, 2, 3))
    assert np.corrcoef(brightness, batch.age)[0, 1] > 0.99
    blue_minus_red = batch.images[:, 2].float().mean((1, 2)) - batch.images[:, 0].float().mean((1, 2))
    assert ((blue_minus_red > 0) == (batch.gender == 1)).float().mean() == 1


def test_a_pack_gives_the_same_batches_as_its_manifest(synthetic: Path, tmp_path: Path) -> None:
    write_pack(read_manifest(synthetic), tmp_path / "pack", 32)
    recipe = load_recipe("embedded-labels", TINY)
    one, other = (
        next(iter(FaceDataModule(path, recipe).val_dataloader())) for path in (synthetic, tmp_path / "pack")
    )
    torch.testing.assert_close(one.images, other.images)
    torch.testing.assert_close(one.age, other.age)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_does_not_change_what_is_seen(workers: int, synthetic: Path) -> None:
    alone = FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, "workers=0"]))
    several = FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, f"workers={workers}"]))
    for one, other in zip(alone.train_dataloader(), several.train_dataloader(), strict=True):
        assert (one.images == other.images).all()
        assert (one.age == other.age).all()


def test_unreadable_images_are_dropped_and_reported_never_trained_on(synthetic: Path, tmp_path: Path) -> None:
    lines = synthetic.read_text().splitlines()
    lines[1:] = [f"{synthetic.parent}/{line}" for line in lines[1:]]
    (tmp_path / "broken.jpg").write_bytes(b"nonsense")
    lines.insert(4, "broken.jpg,30,,,,male,,,train,,")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    data = FaceDataModule(tmp_path / "m.csv", load_recipe("embedded-labels", TINY))
    assert [problem.where for problem in data.problems] == ["row 4"]
    assert len(data.splits["train"]) == 160
    assert all(sample.image != "broken.jpg" for _, sample, _ in data.splits["train"])


def test_a_manifest_without_val_says_how_to_make_one(tmp_path: Path, synthetic: Path) -> None:
    lines = synthetic.read_text().replace(",val,", ",,").splitlines()
    lines[1:] = [f"{synthetic.parent}/{line}" for line in lines[1:]]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    with pytest.raises(ManifestError, match="agelens data split"):
        FaceDataModule(tmp_path / "m.csv", load_recipe("embedded-labels", TINY))


def test_another_table_adds_its_training_faces_alone(synthetic: Path, tmp_path: Path) -> None:
    write_pack(read_manifest(synthetic), tmp_path / "pack", 32)
    data = FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, f"also=[{tmp_path / 'pack'}]"]))
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [320, 64, 64]
    twins = data._images[data.splits["train"][0].row], data._images[data.splits["train"][160].row]
    assert np.abs(twins[0].mean() - twins[1].mean()) < 2  # the file and its packed copy


def test_targets_hold_a_share_of_what_the_teacher_says(synthetic: Path, tmp_path: Path) -> None:
    table = read_manifest(synthetic)
    paths = [table.path(sample) for sample in table.samples]
    age = np.zeros((len(paths), 101))
    age[:, 70] = 1
    gender = np.tile([0.25, 0.75], (len(paths), 1))
    hints = np.arange(len(paths) * 3).reshape(-1, 3) % 7
    write_soft_labels(tmp_path / "teacher.npz", paths[::-1], age, gender, hints[::-1])
    teacher = f"teacher={tmp_path / 'teacher.npz'}"
    recipe = load_recipe("embedded-labels", [*TINY, teacher, "loss.teacher=0.5", "loss.gender_smoothing=0"])
    data = FaceDataModule(synthetic, recipe)
    plain = FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, "loss.gender_smoothing=0"]))
    taught, untaught = next(iter(data.train_dataloader())), next(iter(plain.train_dataloader()))
    assert (taught.images == untaught.images).all()
    np.testing.assert_allclose(taught.age_target[:, 70], 0.5 + 0.5 * untaught.age_target[:, 70], atol=1e-3)
    np.testing.assert_allclose(
        taught.gender_target, 0.5 * untaught.gender_target + torch.tensor([0.125, 0.375]), atol=1e-3
    )
    assert data.hint_features == taught.hint.shape[1] == 3
    # Nothing is learnt from the teacher where figures are measured.
    assert (next(iter(data.val_dataloader())).age_target[:, 70] < 0.5).any()


def test_a_teacher_must_know_every_training_face(synthetic: Path, tmp_path: Path) -> None:
    recipe = load_recipe("embedded-labels", [*TINY, "loss.teacher=0.5"])
    with pytest.raises(ManifestError, match="--teacher"):
        FaceDataModule(synthetic, recipe)
    write_soft_labels(tmp_path / "t.npz", [tmp_path / "other.jpg"], np.full((1, 101), 1 / 101), np.eye(2)[:1])
    with pytest.raises(ManifestError, match="knows nothing of 160 training images"):
        FaceDataModule(synthetic, recipe.model_copy(update={"teacher": tmp_path / "t.npz"}))
    cut = (tmp_path / "t.npz").read_bytes()[:-40]
    for content in (b"nonsense", cut, b""):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(ManifestError, match="cannot be read"):
            FaceDataModule(synthetic, recipe.model_copy(update={"teacher": tmp_path / "bad.npz"}))


def test_faces_grow_with_the_epochs_where_the_recipe_says_so(synthetic: Path) -> None:
    settings = [*TINY, "progressive={1: 24, 3: 32}", "epochs=4"]
    data = FaceDataModule(synthetic, load_recipe("embedded-labels", settings))
    loader = data.train_dataloader()
    sizes = []
    for epoch in range(4):
        loader.batch_sampler.sampler.set_epoch(epoch)
        sizes.append(next(iter(loader)).images.shape[-1])
    assert sizes == [24, 24, 32, 32]
    assert next(iter(data.val_dataloader())).images.shape[-1] == 32


def test_a_teacher_that_nothing_learns_from_is_refused(synthetic: Path, tmp_path: Path) -> None:
    table = read_manifest(synthetic)
    paths = [table.path(sample) for sample in table.samples]
    write_soft_labels(
        tmp_path / "t.npz", paths, np.full((len(paths), 101), 1 / 101), np.full((len(paths), 2), 0.5)
    )
    teacher = f"teacher={tmp_path / 't.npz'}"
    with pytest.raises(ManifestError, match=r"nothing is learnt from .*t\.npz"):
        FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, teacher]))
    with pytest.raises(ManifestError, match="holds no features"):
        FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, teacher, "loss.hint=1"]))
    data = FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, teacher, "loss.teacher=0.1"]))
    assert data.hint_features == 0


def test_another_table_must_hold_training_faces(synthetic: Path, tmp_path: Path) -> None:
    lines = synthetic.read_text().replace(",train,", ",test,").splitlines()
    lines[1:] = [f"{synthetic.parent}/{line}" for line in lines[1:]]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    with pytest.raises(ManifestError, match=r"m\.csv has no usable image in split 'train'"):
        FaceDataModule(synthetic, load_recipe("embedded-labels", [*TINY, f"also=[{tmp_path / 'm.csv'}]"]))


@pytest.mark.parametrize(
    ("kept", "options", "heads"),
    [
        ({"age", "gender"}, [], ("age", "gender")),
        ({"age"}, [], ("age",)),
        ({"gender"}, [], ("gender",)),
        ({"age", "gender"}, ["loss.gender=0"], ("age",)),
        ({"age", "gender"}, ["loss.age=0", "loss.expectation=0"], ("gender",)),
        ({"age", "men"}, [], ("age",)),  # one gender alone teaches none
    ],
)
def test_the_heads_taught_are_those_with_labels_and_a_weight(
    kept: set[str], options: list[str], heads: tuple[str, ...], synthetic: Path, tmp_path: Path
) -> None:
    def known(sample: Sample) -> Sample:
        """The sample with what is kept of its labels."""
        gender = Gender.MALE if "men" in kept else sample.gender if "gender" in kept else None
        return replace(sample, age=sample.age if "age" in kept else None, gender=gender)

    samples = [
        replace(known(one) if one.split == "train" else one, image=str(synthetic.parent / one.image))
        for one in read_manifest(synthetic).samples
    ]
    write_manifest(tmp_path / "m.csv", samples)
    data = FaceDataModule(tmp_path / "m.csv", load_recipe("embedded-labels", [*TINY, *options]))
    assert data.heads == heads


def test_a_split_that_teaches_nothing_is_refused(synthetic: Path) -> None:
    recipe = load_recipe("embedded-labels", [*TINY, "loss.age=0", "loss.gender=0", "loss.expectation=0"])
    with pytest.raises(ManifestError, match="teaches nothing"):
        _ = FaceDataModule(synthetic, recipe).heads
