"""The data set of training: uint8 faces with their targets, read a whole batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from agelens.ages import targets
from agelens.data.soft_labels import SoftLabels
from agelens.faces.images import Pixels, open_image, resize_to_square
from agelens.labels import GENDERS, Sample
from agelens.nn.config import LossConfig
from agelens.training.augment import AugmentConfig, augment
from agelens.training.sampler import Draw

#: Stands for an unknown gender where genders are numbers.
NO_GENDER = -1


class Batch(NamedTuple):
    """One batch, as it leaves the loader."""

    images: Tensor  # (B, 3, S, S) uint8 RGB, in channels-last memory
    age_target: Tensor  # (B, 101) float32 label distributions; all zero where the age is unknown
    age: Tensor  # (B,) float32, years; NaN where unknown
    gender: Tensor  # (B,) int64; 0 male, 1 female, -1 unknown
    gender_target: Tensor  # (B, 2) float32 probabilities, smoothed; all zero where the gender is unknown
    hint: Tensor  # (B, D) float32, a teacher's features; D is 0 without a teacher


class Images(Protocol):
    """Images by their row, each (h, w, 3) uint8 RGB: a pack, or files."""

    def __getitem__(self, index: int) -> Pixels: ...

    def __len__(self) -> int: ...


class ImageFiles:
    """Images that are decoded from their files each time they are read."""

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self._paths = paths
        # Twice the network's size leaves room to zoom in without holding 12-megapixel photos.
        self._max_side = 2 * size

    def __getitem__(self, index: int) -> Pixels:
        return open_image(self._paths[index], self._max_side).pixels

    def __len__(self) -> int:
        return len(self._paths)


class FaceDataset(Dataset[Batch]):
    """Faces of one split with their age and gender targets."""

    def __init__(
        self,
        images: Images,
        rows: Sequence[int],
        samples: Sequence[Sample],
        *,
        size_at: Callable[[int], int],
        loss: LossConfig,
        augmentation: AugmentConfig | None,
        seed: int,
        teacher: SoftLabels | None = None,
    ) -> None:
        """Pair each of ``samples`` with its row in ``images``; the teacher's answers join its targets.

        ``size_at`` leads from an epoch to the side of its faces, pixels; ``seed`` is the augmentation's.
        """
        self._images = images
        self._rows = np.asarray(rows)
        self._size_at = size_at
        self._augmentation = augmentation
        self._seed = seed
        self.age_target = targets(samples, loss.sigma, loss.sigma_per_year)  # as in a ``Batch``, of all rows
        ages = [np.nan if sample.point_age is None else sample.point_age for sample in samples]
        self.age = np.array(ages, dtype=np.float32)  # (n,) years; NaN where unknown
        genders = [NO_GENDER if sample.gender is None else sample.gender.position for sample in samples]
        self._gender = np.array(genders, dtype=np.int64)
        self.gender_target = _gender_targets(self._gender, loss.gender_smoothing)
        self._hint = np.zeros((len(samples), 0), dtype=np.float32)
        if teacher is not None:
            self.age_target = mixed(self.age_target, teacher.age, loss.teacher)
            self.gender_target = mixed(self.gender_target, teacher.gender, loss.teacher)
            self._hint = teacher.features

    def __len__(self) -> int:
        return len(self._rows)

    def __getitems__(self, draws: Sequence[Draw]) -> Batch:
        """Read one batch of draws."""
        size = self._size_at(draws[0][0])
        pixels = np.empty((len(draws), size, size, 3), dtype=np.uint8)
        for place, (epoch, row) in enumerate(draws):
            pixels[place] = self._face(epoch, row, size)
        rows = [row for _, row in draws]
        labels = (self.age_target, self.age, self._gender, self.gender_target, self._hint)
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        return Batch(images, *(torch.from_numpy(values[rows]) for values in labels))

    def _face(self, epoch: int, row: int, size: int) -> NDArray[np.uint8]:
        pixels = self._images[int(self._rows[row])]
        if self._augmentation is None:
            return resize_to_square(pixels, size)
        return augment(pixels, size, self._augmentation, np.random.default_rng((self._seed, epoch, row)))


def _gender_targets(gender: NDArray[np.int64], smoothing: float) -> NDArray[np.float32]:
    target = np.zeros((len(gender), len(GENDERS)), dtype=np.float32)
    known = gender != NO_GENDER
    target[known] = smoothing / len(GENDERS)
    target[known, gender[known]] += 1.0 - smoothing
    return target


def mixed(label: NDArray[np.float32], teacher: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Mix a share of the teacher's answer into the labels; a row without one (zeros) takes it whole.

    Where no row has a label, or the share is 0, nothing is taken.
    """
    labelled = label.any(axis=1, keepdims=True)
    alone = teacher if share > 0 and labelled.any() else np.zeros_like(label)
    return np.where(labelled, (1 - share) * label + share * teacher, alone).astype(np.float32)
