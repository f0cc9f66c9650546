"""Error by group: one mean hides children, old people, and whoever the training data holds few of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agelens import metrics
from agelens.labels import GENDERS, Sample

#: Lower ends of the bands of true age that errors are reported by, in years.
BANDS = (0, 3, 11, 21, 31, 41, 51, 61, 71)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was answered for one labelled image; years and probabilities."""

    sample: Sample
    age: float
    interval: tuple[float, float]
    male: float

    @property
    def gender_index(self) -> int:
        """0 male, 1 female."""
        return int(self.male < 0.5)


@dataclass(frozen=True, slots=True)
class GroupError:
    """The error on the faces of one group; years and shares, None where no label allows it.

    Attributes:
        by: what the group is cut by: ``age``, ``gender`` or ``group`` (the manifest's own attribute).
        name: of the group.
        images: its size.
        mae: mean absolute error of age.
        bias: mean signed error of age.
        gender_accuracy: share of right genders.
    """

    by: str
    name: str
    images: int
    mae: float | None
    bias: float | None
    gender_accuracy: float | None


def group_errors(predictions: Sequence[Prediction]) -> tuple[GroupError, ...]:
    """Errors by band of true age, by gender and by the manifest's ``group``, where labelled."""
    errors = [
        _error("age", name, chosen)
        for low, end in zip(BANDS, (*BANDS[1:], 101), strict=True)
        for name, chosen in [(f"{low}–{end - 1}", [p for p in predictions if _within(p, low, end)])]
        if chosen
    ]
    for gender in GENDERS:
        if chosen := [p for p in predictions if p.sample.gender is gender]:
            errors.append(_error("gender", str(gender), chosen))
    for name in sorted({p.sample.group for p in predictions if p.sample.group}):
        errors.append(_error("group", name, [p for p in predictions if p.sample.group == name]))
    return tuple(errors)


def _within(prediction: Prediction, low: int, end: int) -> bool:
    age = prediction.sample.point_age
    return age is not None and low <= age < end


def _error(by: str, name: str, predictions: Sequence[Prediction]) -> GroupError:
    ages: list[Any] = [(p.sample.point_age, p.age) for p in predictions if p.sample.point_age is not None]
    genders = [(p.sample.gender.position, p.gender_index) for p in predictions if p.sample.gender is not None]
    true, answer = np.array(ages, dtype=np.float64).reshape(-1, 2).T
    return GroupError(
        by,
        name,
        len(predictions),
        metrics.mae(true, answer) if ages else None,
        metrics.bias(true, answer) if ages else None,
        metrics.accuracy(*np.array(genders).T) if genders else None,
    )
