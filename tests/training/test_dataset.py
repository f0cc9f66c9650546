from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from agelens.data.soft_labels import SoftLabels
from agelens.labels import Gender, Sample
from agelens.nn.config import LossConfig
from agelens.training.augment import AugmentConfig
from agelens.training.dataset import NO_GENDER, FaceDataset, ImageFiles, mixed

SAMPLES = (
    Sample("a", age=30, gender=Gender.MALE),
    Sample("b", age_low=20, age_high=29, gender=Gender.FEMALE),
    Sample("c"),
)
LOSS = LossConfig(teacher=0.25, gender_smoothing=0.1)


class Plain:
    """Grey images whose brightness is ten times their row."""

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full((20, 20, 3), 10 * index, np.uint8)

    def __len__(self) -> int:
        return 9


def faces(
    augmentation: AugmentConfig | None = None, teacher: SoftLabels | None = None, seed: int = 0
) -> FaceDataset:
    return FaceDataset(
        Plain(),
        [7, 2, 5],
        SAMPLES,
        size_at=lambda epoch: 16 + 8 * epoch,
        loss=LOSS,
        augmentation=augmentation,
        seed=seed,
        teacher=teacher,
    )


def test_a_batch_holds_the_images_of_its_rows_at_the_size_of_its_epoch() -> None:
    batch = faces().__getitems__([(1, 2), (1, 0)])
    assert batch.images.shape == (2, 3, 24, 24)
    assert batch.images.flatten(1).float().mean(1).tolist() == [50, 70]
    assert batch.age[1] == 30
    assert batch.age[0].isnan()
    assert batch.gender.tolist() == [NO_GENDER, 0]
    assert batch.hint.shape == (2, 0)


def test_gender_targets_are_smoothed_once_and_unknown_ones_stay_empty() -> None:
    target = faces().__getitems__([(0, 0), (0, 1), (0, 2)]).gender_target
    torch.testing.assert_close(target, torch.tensor([[0.95, 0.05], [0.05, 0.95], [0.0, 0.0]]))


def test_a_teacher_joins_the_labels_and_stands_for_those_that_lack() -> None:
    age, gender = np.zeros((3, 101), np.float32), np.tile(np.float32([0.2, 0.8]), (3, 1))
    age[:, 90] = 1
    soft = SoftLabels({}, age, gender, np.arange(6, dtype=np.float32).reshape(3, 2))
    batch = faces(teacher=soft).__getitems__([(0, 0), (0, 1), (0, 2)])
    assert batch.age_target[:, 90].tolist() == pytest.approx([0.25, 0.25, 1])
    assert batch.age_target.sum(1).tolist() == pytest.approx([1, 1, 1])
    assert batch.gender_target[:, 0].tolist() == pytest.approx([0.75 * 0.95 + 0.05, 0.75 * 0.05 + 0.05, 0.2])
    assert batch.hint.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_teacher_teaches_no_head_that_no_label_teaches() -> None:
    label, teacher = np.zeros((2, 101), np.float32), np.full((2, 101), 1 / 101, np.float32)
    assert not mixed(label, teacher, 0.5).any()
    label[0, 30] = 1
    assert mixed(label, teacher, 0.5).sum(axis=1).tolist() == pytest.approx([1, 1])
    assert mixed(label, teacher, 0.0).sum(axis=1).tolist() == pytest.approx([1, 0])


def test_augmentation_depends_on_seed_epoch_and_row_and_on_nothing_else() -> None:
    config = AugmentConfig(brightness=0.5, erase=1)

    def look(seed: int, epoch: int, place: int) -> torch.Tensor:
        draws = [(epoch, 1)] * place + [(epoch, 0)]
        return faces(config, seed=seed).__getitems__(draws).images[place]

    assert torch.equal(look(0, 0, 0), look(0, 0, 1))
    assert not torch.equal(look(0, 0, 0), look(1, 0, 0))
    assert not torch.equal(look(0, 0, 0)[:, :16, :16], look(0, 1, 0)[:, :16, :16])


def test_files_are_decoded_at_twice_the_networks_size_at_most(tmp_path: Path) -> None:
    Image.new("RGB", (400, 200), (9, 90, 200)).save(tmp_path / "a.png")
    files = ImageFiles([tmp_path / "a.png"], 32)
    assert len(files) == 1
    assert max(files[0].shape[:2]) <= 64
    assert np.abs(files[0].mean(axis=(0, 1)) - (9, 90, 200)).max() < 2
