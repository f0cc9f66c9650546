"""What training reads: uint8 faces with their targets, drawn in an order that a resume repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from agelens.ages import targets
from agelens.images import Pixels, open_image, resize_to_square
from agelens.labels import Sample
from agelens.nn.losses import NO_GENDER
from agelens.training.augment import AugmentConfig, augment

#: What the sampler draws: the epoch, so that augmentation differs between epochs, and the row.
Draw = tuple[int, int]


class Batch(NamedTuple):
    """One batch, as it leaves the loader.

    Attributes:
        images: (B, 3, S, S) uint8 RGB, in channels-last memory.
        age_target: (B, 101) float32 label distributions; all zero where the age is unknown.
        age: (B,) float32, years; NaN where unknown.
        gender: (B,) int64; 0 male, 1 female, -1 unknown.
    """

    images: Tensor
    age_target: Tensor
    age: Tensor
    gender: Tensor


class Images(Protocol):
    """A row of pixels by number: a pack, or files."""

    def __getitem__(self, index: int) -> Pixels: ...


class ImageFiles:
    """Images decoded from their files each time they are asked for."""

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self._paths = paths
        # Twice the network's size leaves room to zoom in without holding 12-megapixel photos.
        self._max_side = 2 * size

    def __getitem__(self, index: int) -> Pixels:
        return open_image(self._paths[index], self._max_side).pixels


class FaceDataset(Dataset[Batch]):
    """Faces of one split, read a whole batch at a time."""

    def __init__(
        self,
        images: Images,
        rows: Sequence[int],
        samples: Sequence[Sample],
        *,
        size: int,
        sigma: float,
        augmentation: AugmentConfig | None,
        seed: int,
    ) -> None:
        """Pair ``samples`` with the ``rows`` of ``images`` they belong to; equally long."""
        self._images = images
        self._rows = np.asarray(rows)
        self._size = size
        self._augmentation = augmentation
        self._seed = seed
        self._age_target = targets(samples, sigma)
        ages = [np.nan if sample.point_age is None else sample.point_age for sample in samples]
        self._age = np.array(ages, dtype=np.float32)
        genders = [NO_GENDER if sample.gender is None else sample.gender.position for sample in samples]
        self._gender = np.array(genders, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitems__(self, draws: Sequence[Draw]) -> Batch:
        """Read a batch of (epoch, row) draws."""
        pixels = np.empty((len(draws), self._size, self._size, 3), dtype=np.uint8)
        for place, (epoch, row) in enumerate(draws):
            pixels[place] = self._face(epoch, row)
        rows = np.array([row for _, row in draws])
        return Batch(
            torch.from_numpy(pixels).permute(0, 3, 1, 2),
            torch.from_numpy(self._age_target[rows]),
            torch.from_numpy(self._age[rows]),
            torch.from_numpy(self._gender[rows]),
        )

    def _face(self, epoch: int, row: int) -> NDArray[np.uint8]:
        pixels = self._images[int(self._rows[row])]
        if self._augmentation is None:
            return resize_to_square(pixels, self._size)
        rng = np.random.default_rng((self._seed, epoch, row))
        return augment(pixels, self._size, self._augmentation, rng)


class EpochSampler(Sampler[Draw]):
    """Shuffles by (seed, epoch) and deals the rows out to the processes of a distributed run.

    Lightning tells it the epoch through ``set_epoch``, so a resumed run sees the order it would have seen.
    """

    def __init__(
        self, size: int, *, shuffle: bool, seed: int, limit: int = 0, rank: int = 0, processes: int = 1
    ) -> None:
        self._size = size
        self._shuffle = shuffle
        self._seed = seed
        self._limit = min(limit or size, size)
        self._rank = rank
        self._processes = processes
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of ``epoch`` from now on."""
        self._epoch = epoch

    def __len__(self) -> int:
        return (
            -(-self._limit // self._processes) if self._shuffle else len(self._share(np.arange(self._limit)))
        )

    def __iter__(self) -> Iterator[Draw]:
        order = np.arange(self._size)
        if self._shuffle:
            order = np.random.default_rng((self._seed, self._epoch)).permutation(self._size)[: self._limit]
            # Every process takes equally many steps; a few rows are seen twice.
            order = np.resize(order, len(self) * self._processes)
        return ((self._epoch, int(row)) for row in self._share(order))

    def _share(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return order[self._rank :: self._processes]
