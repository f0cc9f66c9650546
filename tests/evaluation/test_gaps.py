from __future__ import annotations

import numpy as np
import pytest

from agelens.evaluation.gaps import gaps, left_out
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


def test_the_groups_left_out_are_named_with_their_figures() -> None:
    predictions = faces(("a", 80, 2), ("b", 80, 3), ("tiny", 12, 47), male={"tiny": 0.1})
    found = {one.figure: one for one in left_out(predictions) if one.by == "group"}
    assert {(one.name, one.images) for one in found.values()} == {("tiny", 12)}
    assert found["mae"].value == pytest.approx(47, abs=0.3)
    assert (found["gender_accuracy"].value, found["coverage"].value) == (0, 0)
    assert left_out(faces(("a", 50, 2), ("b", 80, 3))) == ()


def test_a_group_is_left_out_by_its_labels_and_not_by_its_pictures() -> None:
    samples = [Sample("f", age=30, gender=Gender.MALE if row < 20 else None, group="a") for row in range(90)]
    (one,) = (one for one in left_out(predictions_of(samples, [31] * 90)) if one.by == "group")
    assert (one.figure, one.images, one.value) == ("gender_accuracy", 20, 1.0)
