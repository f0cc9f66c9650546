from __future__ import annotations

import numpy as np
import pytest

from agelens import ages, conformal
from agelens.evaluation.transfer import LEAST_FACES, left_out, levels_needed, with_margin

AT_90 = conformal.REPORTED_LEVELS.index(0.9)


def faces(errors: dict[str, float], each: int = 500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data sets whose answers state a spread of 5 years and err by another: probabilities, ages, names."""
    rng = np.random.default_rng(0)
    true = rng.uniform(20, 70, each * len(errors))
    spread = np.repeat(list(errors.values()), each)
    said = ages.gaussian(np.clip(true + spread * rng.normal(size=true.size), 0, 100), 5.0)
    return said, true, np.repeat(list(errors), each)


def held(probabilities: np.ndarray, true: np.ndarray, table: conformal.ConformalTable, level: float) -> float:
    low, high = conformal.interval(probabilities, level, table).T
    return float(((low <= true) & (true <= high)).mean())


def test_a_harder_set_is_not_held_by_the_intervals_of_easier_ones_and_the_margin_makes_up_for_it() -> None:
    said, true, names = faces({"easy": 4.0, "like it": 4.0, "hard": 7.0})
    plain = {one.band: one.held[AT_90] for one in left_out(said, true, names)}
    assert plain["hard"] < 0.75
    assert plain["easy"] > 0.9
    table = with_margin(said, true, names)
    for level in (0.5, 0.8, 0.9):
        assert held(said[names == "hard"], true[names == "hard"], table, level) > level - 0.02
    assert held(said, true, table, 0.9) > held(said, true, conformal.fit(said, true), 0.9)


def test_sets_that_are_alike_ask_for_hardly_any_margin() -> None:
    said, true, names = faces({"a": 5.0, "b": 5.0, "c": 5.0})
    table, plain = with_margin(said, true, names), conformal.fit(said, true)
    assert held(said, true, table, 0.9) == pytest.approx(held(said, true, plain, 0.9), abs=0.03)
    for one in left_out(said, true, names, margin=True):
        assert one.images == 500
        assert one.held[AT_90] == pytest.approx(0.9, abs=0.05)


def test_nothing_is_left_out_where_one_set_or_small_ones_are_all_there_is() -> None:
    said, true, names = faces({"one": 5.0})
    assert left_out(said, true, names) == ()
    assert with_margin(said, true, names) == conformal.fit(said, true)
    few = np.where(np.arange(len(true)) < LEAST_FACES - 1, "few", "one")
    assert left_out(said, true, few) == ()


def test_the_level_that_a_face_needs_is_the_one_at_which_its_interval_begins_to_hold() -> None:
    said, true, _ = faces({"a": 5.0})
    table = conformal.fit(said, true)
    needed = levels_needed(said, true, table)
    assert np.all((needed >= 0) & (needed <= 1))
    for level in (0.6, 0.8, 0.9, 0.95):
        assert held(said, true, table, level) == pytest.approx((needed <= level).mean(), abs=0.005)
