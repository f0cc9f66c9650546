"""Error by group: one mean hides children, old people, and whoever the training data holds few of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agelens.evaluation.age_checks import wilson
from agelens.evaluation.predictions import Floats, Predictions, known
from agelens.labels import GENDERS, MAX_AGE
from agelens.metrics import bootstrap
from agelens.models.measurement import EYES, GroupError

#: Lower ends of the bands of true age that errors are reported by, in years.
TRUE_AGE_BANDS = (0, 3, 11, 21, 31, 41, 51, 61, 71)

#: Wider ones, where age is crossed with gender and group.
CROSSED_AGE_BANDS = (0, 18, 40, 60)


#: Lower ends of the bands of the pixels between the eyes, as evaluations of age checks report them.
EYE_BANDS = (0, 16, 32, 64, 128)

#: What faces are grouped by: names, and the position of each face's value among them; -1 where unknown.
Attribute = tuple[Sequence[str], NDArray[np.int64]]


def group_errors(predictions: Predictions, resamples: int = 1000) -> tuple[GroupError, ...]:
    """Errors by true age, gender, ``group``, distance of the eyes, and by the first three crossed."""
    return tuple(_error(predictions, by, name, rows, resamples) for by, name, rows in members(predictions))


def _error(
    predictions: Predictions, by: str, name: str, rows: NDArray[np.intp], resamples: int
) -> GroupError:
    """The figures of one group, and their intervals where it has what they are made of."""
    error = known(predictions.signed_error[rows])
    right, held = known(predictions.right_gender[rows]), known(predictions.covered[rows])
    figures = {"mae": np.abs(error), "bias": error, "gender_accuracy": right, "coverage": held}
    values = {key: float(own.mean()) if own.size else None for key, own in figures.items()}
    intervals: dict[str, tuple[float, float]] = {}
    if error.size > 1:  # a single face says nothing of the others
        means = {
            "mae": lambda drawn: float(np.abs(error[drawn]).mean()),
            "bias": lambda drawn: float(error[drawn].mean()),
        }
        estimates = bootstrap(means, error.size, resamples)
        intervals |= {key: (estimate.low, estimate.high) for key, estimate in estimates.items()}
    for key in ("gender_accuracy", "coverage"):
        if figures[key].size:
            intervals[key] = wilson(int(figures[key].sum()), figures[key].size)
    return GroupError(by, name, len(rows), **values, intervals=intervals)


def members(predictions: Predictions) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Every group that has members: what it is cut by, its name, its rows."""
    gender = [str(one) for one in GENDERS], predictions.true_gender
    groups = sorted(set(predictions.groups.tolist()) - {""})
    group = groups, np.array([groups.index(g) if g else -1 for g in predictions.groups])
    yield from _cut("age", age_bands(predictions.true_age, TRUE_AGE_BANDS))
    yield from _cut("gender", gender)
    yield from _cut("group", group)
    yield from _cut(EYES, _eye_bands(predictions))
    wide = age_bands(predictions.true_age, CROSSED_AGE_BANDS)
    if groups:
        yield from _cut("age × gender × group", wide, gender, group)
    else:
        yield from _cut("age × gender", wide, gender)


def age_bands(years: Floats, lower_ends: Sequence[int]) -> Attribute:
    """Bands of age, as ``18–39``, and each face's among them; ``years`` (n,), NaN where unknown."""
    names = [f"{low}–{end - 1}" for low, end in zip(lower_ends, (*lower_ends[1:], MAX_AGE + 1), strict=True)]
    positions = np.searchsorted(lower_ends, np.nan_to_num(years), side="right") - 1
    return names, np.where(np.isnan(years), -1, positions)


def _eye_bands(predictions: Predictions) -> Attribute:
    ends = [*(f"{low}–{end - 1} px" for low, end in pairwise(EYE_BANDS)), f"{EYE_BANDS[-1]} px or more"]
    eyes = np.full(len(predictions), np.nan) if predictions.eyes is None else predictions.eyes
    band = np.searchsorted(EYE_BANDS, np.nan_to_num(eyes), side="right") - 1
    return ends, np.where(np.isnan(eyes), -1, band)


def _cut(by: str, *attributes: Attribute) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """The groups of faces that share a value of every attribute, in the order of the names."""
    rows: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, key in enumerate(zip(*(positions.tolist() for _, positions in attributes), strict=True)):
        if min(key) >= 0:
            rows[key].append(row)
    for key in sorted(rows):
        named = (names[position] for (names, _), position in zip(attributes, key, strict=True))
        yield by, ", ".join(named), np.array(rows[key])
