from __future__ import annotations

import numpy as np
import pytest

from agelens import ages, conformal
from agelens.conformal import REPORTED_LEVELS
from agelens.evaluation import held_out
from agelens.evaluation.held_out import Compared, ComparedIntervals


def faces(size: int, seed: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Answers that are ``spread`` times as wide as they should be, and the true ages."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(20, 80, size)
    return ages.gaussian(centre, 6.0 * spread), np.clip(rng.normal(centre, 6.0), 0, 100)


def test_a_difference_counts_beyond_its_chance_only() -> None:
    rng = np.random.default_rng(0)
    old = rng.normal(2, 1, 400)
    assert held_out.compare(old, old - 0.2 + rng.normal(0, 0.5, 400)).better
    assert not held_out.compare(old, old + rng.normal(0, 0.5, 400)).better
    assert not held_out.compare(old, old + 0.2).better
    same = held_out.compare(old, old)
    assert (same.old, same.error, same.better) == (same.new, 0, False)


def test_every_face_is_measured_by_a_fit_that_has_not_seen_it() -> None:
    fold = held_out.folds(100)
    assert np.bincount(fold).tolist() == [10] * 10
    at_each = np.zeros((279, 100))
    at_each[139, :] = -1.0
    at_each[200, fold == 3] = -1e6  # these alone want another temperature, and do not get it
    told = held_out.fitted_without(at_each)
    np.testing.assert_allclose(told[fold == 3], 1.0)
    assert (told[fold != 3] > 1.5).all()


def test_luck_is_not_taken_for_a_better_temperature() -> None:
    taken = []
    for seed in range(40):
        probabilities, true = faces(150, seed)
        taken.append(held_out.compare_temperatures(probabilities, np.rint(true).astype(int), 1.0).better)
    assert np.mean(taken) <= 0.1
    probabilities, true = faces(400, 1, spread=0.5)
    assert held_out.compare_temperatures(probabilities, np.rint(true).astype(int), 1.0).better


def test_intervals_that_do_not_hold_are_replaced_and_those_that_do_are_kept() -> None:
    known, truth = faces(2000, 7)
    table = conformal.fit(known, truth)
    probabilities, true = faces(150, 8)
    kept = held_out.compare_intervals((probabilities, table), probabilities, true, 100)
    assert not kept.better
    assert kept.held[0] == pytest.approx(REPORTED_LEVELS, abs=0.1)
    narrow, true = faces(400, 9, spread=0.6)
    replaced = held_out.compare_intervals((narrow, table), narrow, true, 200)
    assert replaced.better
    assert replaced.held[0][2] < 0.8
    assert replaced.held[1] == pytest.approx(REPORTED_LEVELS, abs=0.05)


def test_intervals_are_better_by_holding_where_the_old_do_not() -> None:
    even = Compared(10.0, 10.0, 1.0)
    short, right = (0.4, 0.7, 0.8, 0.85), (0.5, 0.8, 0.9, 0.95)
    assert ComparedIntervals(even, (short, right), 400).better
    assert not ComparedIntervals(even, (right, right), 400).better
    assert not ComparedIntervals(even, (short, short), 400).better
    assert not ComparedIntervals(even, (short, right), 20).better  # chance, of so few


def test_qualities_of_other_faces_are_not_uniform() -> None:
    rng = np.random.default_rng(0)
    assert not held_out.differs_from_uniform(rng.uniform(size=500), 1000)
    assert held_out.differs_from_uniform(rng.uniform(size=500) ** 1.5, 1000)
    assert not held_out.differs_from_uniform(rng.uniform(size=30) ** 1.2, 1000)
    assert held_out.differs_from_uniform(np.ones(60), 1000)
