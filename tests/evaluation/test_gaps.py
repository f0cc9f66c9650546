from __future__ import annotations

import numpy as np
import pytest

from agelens.evaluation.gaps import gaps
from agelens.evaluation.predictions import Predictions
from agelens.labels import Gender, Sample
from labelled import predictions_of


def faces(*groups: tuple[str, int, float], male: dict[str, float] | None = None) -> Predictions:
    """Men of 30 by group: its name, its size, and the error of its answers, years."""
    noise = {size: np.random.default_rng(0).normal(0, 0.2, size) for _, size, _ in groups}
    names = [name for name, size, _ in groups for _ in range(size)]
    samples = [Sample("f.jpg", age=30, gender=Gender.MALE, group=name) for name in names]
    answers = np.concatenate([30 + error + noise[size] for _, size, error in groups])
    return predictions_of(samples, answers.tolist(), [(male or {}).get(name, 0.9) for name in names])


def test_the_gap_is_between_the_worst_and_the_best_served() -> None:
    found = {(g.by, g.figure): g for g in gaps(faces(("a", 80, 2), ("b", 80, 6), ("c", 80, 4)))}
    gap = found["group", "mae"]
    assert (gap.worst, gap.best) == ("b", "a")
    assert gap.gap.value == pytest.approx(4, abs=0.1)
    assert gap.gap.low < 4 < gap.gap.high
    assert gap.gap.high - gap.gap.low < 0.3


def test_a_small_group_is_named_neither_best_nor_worst() -> None:
    found = gaps(faces(("a", 80, 2), ("b", 80, 3), ("tiny", 49, 20)))
    assert {g.worst for g in found if g.by == "group" and g.figure == "mae"} == {"b"}
    assert gaps(faces(("a", 80, 2), ("tiny", 49, 20))) == ()
    found = gaps(faces(("a", 80, 2), ("just enough", 50, 20)))
    assert [g.worst for g in found if g.by == "group" and g.figure == "mae"] == ["just enough"]


def test_shares_are_worst_where_they_are_low() -> None:
    found = {(g.by, g.figure): g for g in gaps(faces(("a", 60, 2), ("b", 60, 2), male={"a": 0.1}))}
    gap = found["group", "gender_accuracy"]
    assert (gap.worst, gap.worst_value, gap.best_value, gap.gap.value) == ("a", 0, 1, 1)
