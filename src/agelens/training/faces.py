"""What training reads: uint8 faces with their targets, drawn in an order that a resume repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from agelens.ages import frequencies, targets
from agelens.data.soft_labels import SoftLabels
from agelens.faces.images import Pixels, open_image, resize_to_square
from agelens.labels import GENDERS, Sample
from agelens.nn.losses import NO_GENDER, LossConfig
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
        gender_target: (B, 2) float32 probabilities; all zero where the gender is unknown.
        hint: (B, D) float32, a teacher's features; D is 0 without one.
    """

    images: Tensor
    age_target: Tensor
    age: Tensor
    gender: Tensor
    gender_target: Tensor
    hint: Tensor


class Images(Protocol):
    """A row of pixels by number: a pack, or files."""

    def __getitem__(self, index: int) -> Pixels: ...

    def __len__(self) -> int: ...


class ImageFiles:
    """Images decoded from their files each time they are asked for."""

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self._paths = paths
        # Twice the network's size leaves room to zoom in without holding 12-megapixel photos.
        self._max_side = 2 * size

    def __getitem__(self, index: int) -> Pixels:
        return open_image(self._paths[index], self._max_side).pixels

    def __len__(self) -> int:
        return len(self._paths)


class ImageTables:
    """Several rows of pixels, numbered on from one to the next."""

    def __init__(self, tables: Sequence[Images]) -> None:
        self._tables = tables
        self._starts = np.cumsum([0, *(len(table) for table in tables)])

    def __getitem__(self, index: int) -> Pixels:
        table = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._tables[table][index - int(self._starts[table])]

    def __len__(self) -> int:
        return int(self._starts[-1])


class FaceDataset(Dataset[Batch]):
    """Faces of one split, read a whole batch at a time."""

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
        """Pair ``samples`` with their ``rows`` of ``images``; equally long, as is the teacher.

        ``size_at`` tells the size of an epoch's faces, pixels.
        """
        self._images = images
        self._rows = np.asarray(rows)
        self._size_at = size_at
        self._augmentation = augmentation
        self._seed = seed
        self._age_target = targets(samples, loss.sigma, loss.sigma_per_year)
        ages = [np.nan if sample.point_age is None else sample.point_age for sample in samples]
        self._age = np.array(ages, dtype=np.float32)
        genders = [NO_GENDER if sample.gender is None else sample.gender.position for sample in samples]
        self._gender = np.array(genders, dtype=np.int64)
        self._gender_target = _gender_targets(self._gender, loss.gender_smoothing)
        self._hint = np.zeros((len(samples), 0), dtype=np.float32)
        if teacher is not None:
            self._age_target = _mixed(self._age_target, teacher.age, loss.teacher)
            self._gender_target = _mixed(self._gender_target, teacher.gender, loss.teacher)
            self._hint = teacher.features

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def age(self) -> NDArray[np.float32]:
        """(n,) years; NaN where unknown."""
        return self._age

    def __getitems__(self, draws: Sequence[Draw]) -> Batch:
        """Read a batch of (epoch, row) draws."""
        size = self._size_at(draws[0][0])
        pixels = np.empty((len(draws), size, size, 3), dtype=np.uint8)
        for place, (epoch, row) in enumerate(draws):
            pixels[place] = self._face(epoch, row, size)
        rows = np.array([row for _, row in draws])
        return Batch(
            torch.from_numpy(pixels).permute(0, 3, 1, 2),
            torch.from_numpy(self._age_target[rows]),
            torch.from_numpy(self._age[rows]),
            torch.from_numpy(self._gender[rows]),
            torch.from_numpy(self._gender_target[rows]),
            torch.from_numpy(self._hint[rows]),
        )

    def _face(self, epoch: int, row: int, size: int) -> NDArray[np.uint8]:
        pixels = self._images[int(self._rows[row])]
        if self._augmentation is None:
            return resize_to_square(pixels, size)
        rng = np.random.default_rng((self._seed, epoch, row))
        return augment(pixels, size, self._augmentation, rng)


class EpochSampler(Sampler[Draw]):
    """Shuffles by (seed, epoch) and deals the rows out to the processes of a distributed run.

    Lightning tells it the epoch through ``set_epoch``, so a resumed run sees the order it would have seen.
    """

    def __init__(
        self,
        size: int,
        *,
        shuffle: bool,
        seed: int,
        limit: int = 0,
        rank: int = 0,
        processes: int = 1,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """Draw from ``size`` rows; with ``weights`` (size,), each as often as its share of their sum."""
        self._size = size
        self._weights = weights
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
            order = self._shuffled(np.random.default_rng((self._seed, self._epoch)))[: self._limit]
            # Every process takes equally many steps; a few rows are seen twice.
            order = np.resize(order, len(self) * self._processes)
        return ((self._epoch, int(row)) for row in self._share(order))

    def _shuffled(self, rng: np.random.Generator) -> NDArray[np.int64]:
        if self._weights is None:
            return rng.permutation(self._size)
        # Systematic sampling: a row of weight w comes floor(w) or ceil(w) times, never much oftener.
        wanted = np.cumsum(self._weights) * (self._size / self._weights.sum())
        rows = np.searchsorted(wanted, np.arange(self._size) + rng.random(), side="right")
        return rng.permutation(np.minimum(rows, self._size - 1))

    def _share(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return order[self._rank :: self._processes]


def balancing_weights(ages: ArrayLike, power: float) -> NDArray[np.float64]:
    """How often to draw each face so that no age is rare: (n,) years, NaN where unknown -> (n,).

    The inverse frequency of the age, smoothed over its neighbours, to the ``power``; unknown ages count as
    the mean.
    """
    years = np.asarray(ages, dtype=np.float64)
    known = ~np.isnan(years)
    weights = np.ones(len(years))
    weights[known] = frequencies(years[known])[np.rint(years[known]).astype(int)] ** -power
    weights[known] /= weights[known].mean() if known.any() else 1.0
    return weights


def _gender_targets(gender: NDArray[np.int64], smoothing: float) -> NDArray[np.float32]:
    target = np.zeros((len(gender), len(GENDERS)), dtype=np.float32)
    known = gender != NO_GENDER
    target[known] = smoothing / len(GENDERS)
    target[known, gender[known]] += 1.0 - smoothing
    return target


def _mixed(label: NDArray[np.float32], teacher: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The label with a share of the teacher's answer; an unlabelled row (zeros) stays unlabelled."""
    labelled = label.sum(axis=1, keepdims=True) > 0
    return np.where(labelled, (1 - share) * label + share * teacher, 0).astype(np.float32)
