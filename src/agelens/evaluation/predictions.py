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
        age: (n,) years; NaN where the model answers no ages.
        interval: (n, 2) age intervals, years; NaN likewise.
        male: (n,) probability; NaN where the model answers no genders.
        quality: (n,) 0..1; see ``agelens.faces.quality``.
        eyes: (n,) pixels between the eyes in the picture; NaN where nobody knows; None for nowhere.
        true_age: (n,) years, the middle where the label is an interval; NaN where it is unknown.
        exact: (n,) whether the age is labelled as one number, and answered.
        true_gender: (n,) 0 male, 1 female, -1 unknown.
        with_gender: (n,) whether the gender is labelled, and answered.
    """

    samples: tuple[Sample, ...]
    age: Floats
    interval: Floats
    male: Floats
    quality: Floats
    eyes: Floats | None = None
    true_age: Floats = field(init=False)
    exact: NDArray[np.bool_] = field(init=False)
    true_gender: NDArray[np.int64] = field(init=False)
    with_gender: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        exact = np.array([sample.age is not None for sample in self.samples], dtype=bool)
        true_gender = genders_of(self.samples)
        object.__setattr__(self, "true_age", ages_of(self.samples))
        object.__setattr__(self, "exact", exact & ~np.isnan(self.age))
        object.__setattr__(self, "true_gender", true_gender)
        object.__setattr__(self, "with_gender", (true_gender >= 0) & ~np.isnan(self.male))

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
    def with_age(self) -> NDArray[np.bool_]:
        """(n,) whether the age is labelled, be it as an interval, and answered."""
        return ~np.isnan(self.signed_error)

    @property
    def signed_error(self) -> Floats:
        """(n,) years, above 0 where answered too old; NaN where the age is unknown or not answered."""
        return self.age - self.true_age

    @property
    def covered(self) -> Floats:
        """(n,) 1 where the interval holds the true age, else 0; NaN where that or the answer is unknown."""
        held = (self.interval[:, 0] <= self.true_age) & (self.true_age <= self.interval[:, 1])
        return np.where(self.with_age, held, np.nan)

    @property
    def right_gender(self) -> Floats:
        """(n,) 1 where the gender is right, else 0; NaN where it is unknown or not answered."""
        return np.where(self.with_gender, self.gender == self.true_gender, np.nan)


def known(values: Floats) -> Floats:
    """The values that are not NaN."""
    return values[~np.isnan(values)]
