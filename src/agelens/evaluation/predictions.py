"""What was answered for labelled images, as arrays beside the labels: what every figure is measured on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agelens.labels import Sample, ages_of, genders_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Predictions:
    """Labels and answers of n images, in the order of the manifest.

    Attributes:
        samples: the labels.
        age: (n,) years.
        interval: (n, 2) age intervals, years.
        male: (n,) probability.
        quality: (n,) 0..1; see ``agelens.faces.quality``.
        true_age: (n,) years, the middle where the label is an interval; NaN where it is unknown.
        exact: (n,) whether the age is labelled as one number.
        true_gender: (n,) 0 male, 1 female, -1 unknown.
    """

    samples: tuple[Sample, ...]
    age: Floats
    interval: Floats
    male: Floats
    quality: Floats
    true_age: Floats = field(init=False)
    exact: NDArray[np.bool_] = field(init=False)
    true_gender: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        exact = np.array([sample.age is not None for sample in self.samples], dtype=bool)
        object.__setattr__(self, "true_age", ages_of(self.samples))
        object.__setattr__(self, "exact", exact)
        object.__setattr__(self, "true_gender", genders_of(self.samples))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def groups(self) -> NDArray[np.str_]:
        """(n,) the manifest's own attribute; empty where a sample has none."""
        return np.array([sample.group for sample in self.samples], dtype=np.str_)

    @property
    def gender(self) -> NDArray[np.int64]:
        """(n,) the likelier gender: 0 male, 1 female."""
        return (self.male < 0.5).astype(np.int64)

    @property
    def signed_error(self) -> Floats:
        """(n,) years, above 0 where answered too old; NaN where the age is unknown."""
        return self.age - self.true_age

    @property
    def covered(self) -> Floats:
        """(n,) 1 where the interval holds the true age, else 0; NaN where the age is unknown."""
        held = (self.interval[:, 0] <= self.true_age) & (self.true_age <= self.interval[:, 1])
        return np.where(np.isnan(self.true_age), np.nan, held)

    @property
    def right_gender(self) -> Floats:
        """(n,) 1 where the gender is right, else 0; NaN where it is unknown."""
        return np.where(self.true_gender < 0, np.nan, self.gender == self.true_gender)


def known(values: Floats) -> Floats:
    """The values that are not NaN."""
    return values[~np.isnan(values)]
