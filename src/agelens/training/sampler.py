"""The order in which training draws its rows: a resume repeats it, and several processes share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Sampler

from agelens.ages import frequencies

#: An epoch and a row: with the epoch, augmentation can differ between epochs.
Draw = tuple[int, int]


@dataclass(eq=False)
class EpochSampler(Sampler[Draw]):
    """Shuffles by (seed, epoch) and deals the rows out to the processes of a distributed run.

    Lightning passes the epoch to ``set_epoch``, so that a resumed run sees the order it would have seen.
    """

    size: int  # number of rows
    _: KW_ONLY
    shuffle: bool  # draw them in another order each epoch; else all of them in order
    seed: int
    limit: int = 0  # most rows drawn in an epoch; 0 for all
    rank: int = 0  # of this process
    processes: int = 1  # that share the rows
    weights: NDArray[np.float64] | None = None  # (size,) how often to draw each; None draws each once

    def __post_init__(self) -> None:
        self._drawn = min(self.limit or self.size, self.size)
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of ``epoch`` from now on."""
        self._epoch = epoch

    def __len__(self) -> int:
        first = 0 if self.shuffle else self.rank  # shuffled, every process takes as many as the first
        return len(range(first, self._drawn, self.processes))

    def __iter__(self) -> Iterator[Draw]:
        order = np.arange(self.size)
        if self.shuffle:
            order = self._shuffled(np.random.default_rng((self.seed, self._epoch)))[: self._drawn]
            # Every process takes equally many steps; a few rows are seen twice.
            order = np.resize(order, len(self) * self.processes)
        return ((self._epoch, int(row)) for row in order[self.rank :: self.processes])

    def _shuffled(self, rng: np.random.Generator) -> NDArray[np.int64]:
        if self.weights is None:
            return rng.permutation(self.size)
        # Systematic sampling: a row of weight w comes floor(w) or ceil(w) times, never much more often.
        wanted = np.cumsum(self.weights) * (self.size / self.weights.sum())
        rows = np.searchsorted(wanted, np.arange(self.size) + rng.random(), side="right")
        return rng.permutation(np.minimum(rows, self.size - 1))


def balancing_weights(ages: ArrayLike, power: float) -> NDArray[np.float64]:
    """How often to draw each face, relative to the others, so that no age is rare: (n,) float64 with mean 1.

    The weight is the inverse frequency of the age, smoothed over neighbouring ages, raised to ``power``: 0
    weighs all faces alike, 1 draws all ages equally often. ``ages`` are (n,) years; an unknown one, NaN, gets
    the mean weight.
    """
    years = np.asarray(ages, dtype=np.float64)
    known = ~np.isnan(years)
    weights = np.ones(len(years))
    weights[known] = frequencies(years[known])[np.rint(years[known]).astype(int)] ** -power
    weights[known] /= weights[known].mean() if known.any() else 1.0
    return weights
