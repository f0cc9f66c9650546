"""The order in which training draws its rows: a resume repeats it, and several processes share it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Sampler

from agelens.ages import frequencies

#: An epoch and a row: with the epoch, augmentation can differ between epochs.
Draw = tuple[int, int]


class EpochSampler(Sampler[Draw]):
    """Shuffles by (seed, epoch) and deals the rows out to the processes of a distributed run.

    Lightning passes the epoch to ``set_epoch``, so that a resumed run sees the order it would have seen.
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
        """Draw from ``size`` rows.

        Args:
            size: number of rows.
            shuffle: draw them in another order each epoch; else all of them in order.
            seed: of the orders.
            limit: most rows drawn in an epoch; 0 for all.
            rank: number of this process, from 0.
            processes: how many processes share the rows.
            weights: (size,) how often to draw each row, relative to the others; None draws each once.
        """
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
        # Systematic sampling: a row of weight w comes floor(w) or ceil(w) times, never much more often.
        wanted = np.cumsum(self._weights) * (self._size / self._weights.sum())
        rows = np.searchsorted(wanted, np.arange(self._size) + rng.random(), side="right")
        return rng.permutation(np.minimum(rows, self._size - 1))

    def _share(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return order[self._rank :: self._processes]


def balancing_weights(ages: ArrayLike, power: float) -> NDArray[np.float64]:
    """How often to draw each face, relative to the others, so that no age is rare.

    The weight is the inverse frequency of the age, smoothed over neighbouring ages, raised to ``power``.

    Args:
        ages: (n,) years, NaN where unknown; an unknown age gets the mean weight.
        power: 0 weighs all faces alike, 1 draws all ages equally often.

    Returns:
        (n,) float64 with mean 1.
    """
    years = np.asarray(ages, dtype=np.float64)
    known = ~np.isnan(years)
    weights = np.ones(len(years))
    weights[known] = frequencies(years[known])[np.rint(years[known]).astype(int)] ** -power
    weights[known] /= weights[known].mean() if known.any() else 1.0
    return weights
