"""Error by group: one mean hides children, old people, and whoever the training data holds few of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agelens import metrics
from agelens.labels import GENDERS, Sample

#: Lower ends of the bands of true age that errors are reported by, in years.
BANDS = (0, 3, 11, 21, 31, 41, 51, 61, 71)

#: Wider ones, where age is crossed with gender and group.
CROSSED_BANDS = (0, 18, 40, 60)

#: Groups smaller than this are marked, and named neither best nor worst: a few faces move their figures.
SMALL = 50


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was answered for one labelled image; years and probabilities."""

    sample: Sample
    age: float
    interval: tuple[float, float]
    male: float
    quality: float = 1.0

    @property
    def gender_index(self) -> int:
        """0 male, 1 female."""
        return int(self.male < 0.5)

    @property
    def covered(self) -> bool:
        """Whether the interval holds the true age; False where that is unknown."""
        age = self.sample.point_age
        return age is not None and self.interval[0] <= age <= self.interval[1]


@dataclass(frozen=True, slots=True)
class GroupError:
    """The error on the faces of one group; years and shares, None where no label allows it.

    Attributes:
        by: what the group is cut by: ``age``, ``gender``, ``group`` (the manifest's own attribute), or all of
            them crossed, as ``age × gender × group``.
        name: of the group.
        images: its size.
        mae: mean absolute error of age.
        bias: mean signed error of age.
        gender_accuracy: share of right genders.
        coverage: share of age intervals that hold.
    """

    by: str
    name: str
    images: int
    mae: float | None
    bias: float | None
    gender_accuracy: float | None
    coverage: float | None = None

    @property
    def crossed(self) -> bool:
        """Whether it is cut by several attributes at once."""
        return "×" in self.by

    @property
    def small(self) -> bool:
        """Whether a few faces move its figures."""
        return self.images < SMALL


def group_errors(predictions: Sequence[Prediction]) -> tuple[GroupError, ...]:
    """Errors by band of true age, by gender, by the manifest's ``group``, and by all of them crossed."""
    return tuple(
        _error(by, name, [predictions[row] for row in rows])
        for by, name, rows in members([prediction.sample for prediction in predictions])
    )


def members(samples: Sequence[Sample]) -> Iterable[tuple[str, str, list[int]]]:
    """Every group that has members: what it is cut by, its name, its rows."""
    groups = sorted({sample.group for sample in samples if sample.group})
    cuts: dict[str, list[list[str]]] = {
        "age": [[_band(sample, BANDS)] for sample in samples],
        "gender": [[str(sample.gender or "")] for sample in samples],
        "group": [[sample.group] for sample in samples],
    }
    crossed = "age × gender × group" if groups else "age × gender"
    wide = [_band(sample, CROSSED_BANDS) for sample in samples]
    cuts[crossed] = [
        [band, str(sample.gender or ""), *([sample.group] if groups else [])]
        for band, sample in zip(wide, samples, strict=True)
    ]
    order = {
        "age": [_band_name(index, BANDS) for index in range(len(BANDS))],
        "gender": [str(gender) for gender in GENDERS],
        "group": groups,
        crossed: [
            ", ".join([_band_name(index, CROSSED_BANDS), str(gender), *([group] if groups else [])])
            for index in range(len(CROSSED_BANDS))
            for gender in GENDERS
            for group in groups or [""]
        ],
    }
    for by, parts in cuts.items():
        rows: dict[str, list[int]] = {}
        for row, values in enumerate(parts):
            if all(values):
                rows.setdefault(", ".join(values), []).append(row)
        yield from ((by, name, rows[name]) for name in order[by] if name in rows)


def _band(sample: Sample, bands: Sequence[int]) -> str:
    """The band of a sample's age; empty where it is unknown."""
    age = sample.point_age
    return "" if age is None else _band_name(int(np.searchsorted(bands, age, side="right")) - 1, bands)


def _band_name(index: int, bands: Sequence[int]) -> str:
    return f"{bands[index]}–{(*bands, 101)[index + 1] - 1}"


def _error(by: str, name: str, predictions: Sequence[Prediction]) -> GroupError:
    aged = [p for p in predictions if p.sample.point_age is not None]
    ages: list[Any] = [(p.sample.point_age, p.age) for p in aged]
    genders = [(p.sample.gender.position, p.gender_index) for p in predictions if p.sample.gender is not None]
    true, answer = np.array(ages, dtype=np.float64).reshape(-1, 2).T
    return GroupError(
        by,
        name,
        len(predictions),
        metrics.mae(true, answer) if ages else None,
        metrics.bias(true, answer) if ages else None,
        metrics.accuracy(*np.array(genders).T) if genders else None,
        float(np.mean([p.covered for p in aged])) if aged else None,
    )
