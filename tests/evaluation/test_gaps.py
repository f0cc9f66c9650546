from __future__ import annotations

import numpy as np
import pytest

from agelens.evaluation.gaps import gaps
from agelens.evaluation.groups import Prediction
from agelens.labels import Gender, Sample


def faces(count: int, group: str, error: float, male: float = 0.9) -> list[Prediction]:
    noise = np.random.default_rng(0).normal(0, 0.2, count)
    return [
        Prediction(Sample("f.jpg", age=30, gender=Gender.MALE, group=group), 30 + e, (20, 40), male)
        for e in error + noise
    ]


def test_the_gap_is_between_the_worst_and_the_best_served() -> None:
    found = {(g.by, g.figure): g for g in gaps(faces(80, "a", 2) + faces(80, "b", 6) + faces(80, "c", 4))}
    gap = found["group", "mae"]
    assert (gap.worst, gap.best) == ("b", "a")
    assert gap.gap.value == pytest.approx(4, abs=0.1)
    assert gap.gap.low < 4 < gap.gap.high
    assert gap.gap.high - gap.gap.low < 0.3


def test_a_small_group_is_named_neither_best_nor_worst() -> None:
    found = gaps(faces(80, "a", 2) + faces(80, "b", 3) + faces(49, "tiny", 20))
    assert {g.worst for g in found if g.by == "group" and g.figure == "mae"} == {"b"}
    assert gaps(faces(80, "a", 2) + faces(49, "tiny", 20)) == ()


def test_shares_are_worst_where_they_are_low() -> None:
    found = {(g.by, g.figure): g for g in gaps(faces(60, "a", 2, male=0.1) + faces(60, "b", 2))}
    gap = found["group", "gender_accuracy"]
    assert (gap.worst, gap.worst_value, gap.best_value, gap.gap.value) == ("a", 0, 1, 1)
