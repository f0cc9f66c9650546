from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agelens import ages, conformal
from agelens.conformal import ConformalTable


def draw(n: int, seed: int, overconfidence: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Answers whose distributions are too narrow, the more so the older the face looks."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(5, 90, n)
    spread = 3 + centre / 20
    true = np.clip(rng.normal(centre, spread * np.where(centre > 50, overconfidence, 1.0)), 0, 100)
    return ages.gaussian(centre, spread), true


def covered(
    probabilities: np.ndarray, true: np.ndarray, level: float, table: ConformalTable | None
) -> np.ndarray:
    bounds = conformal.interval(probabilities, level, table)
    return (true >= bounds[:, 0]) & (true <= bounds[:, 1])


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_calibrated_intervals_hold_as_often_as_they_say_for_young_and_old(level: float) -> None:
    table = conformal.fit(*draw(4000, seed=1))
    probabilities, true = draw(20_000, seed=2)
    old = ages.expectation(probabilities) > 58
    plain = covered(probabilities, true, level, None)
    held = covered(probabilities, true, level, table)
    assert plain[old].mean() < level - 0.1  # the network was too sure of old people
    assert held.mean() == pytest.approx(level, abs=0.02)
    assert held[old].mean() == pytest.approx(level, abs=0.04)
    assert held[~old].mean() == pytest.approx(level, abs=0.04)


def test_a_score_is_the_level_at_which_the_interval_just_holds_the_truth() -> None:
    probabilities, true = draw(200, seed=3)
    score = conformal.scores(probabilities, true)
    for row in np.flatnonzero(score < 0.998):
        for level, inside in ((min(score[row] + 1e-3, 0.9999), True), (max(score[row] - 1e-3, 1e-6), False)):
            low, high = ages.interval(probabilities[row], level)
            # Ends are clipped to 0..100, where a narrower interval may still hold the end itself.
            assert (low <= true[row] <= high) == inside or true[row] in (0, 100)


@given(st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_intervals_are_nested_as_the_level_rises(one: float, other: float) -> None:
    probabilities, true = draw(300, seed=4)
    table = conformal.fit(probabilities, true)
    narrow = conformal.interval(probabilities, min(one, other), table)
    wide = conformal.interval(probabilities, max(one, other), table)
    assert (wide[:, 0] <= narrow[:, 0] + 1e-9).all()
    assert (wide[:, 1] >= narrow[:, 1] - 1e-9).all()


def test_an_empty_band_takes_the_whole_ones_levels() -> None:
    probabilities = ages.gaussian(np.full(100, 30.0), 3.0)
    table = conformal.fit(probabilities, np.linspace(20, 40, 100), bands=(0, 60))
    (first, last) = table.central
    np.testing.assert_allclose(first, last, atol=1e-4)


def test_neighbours_are_few_where_ages_differ_and_many_where_they_do_not() -> None:
    probabilities, true = draw(3000, seed=6)
    alike, true_alike = draw(3000, seed=6, overconfidence=1.0)

    def chosen(probabilities: np.ndarray, true: np.ndarray) -> int:
        score = conformal.scores(probabilities, true)
        return conformal.choose_neighbours(score, ages.expectation(probabilities))

    assert chosen(probabilities, true) <= 1200
    assert chosen(alike, true_alike) > chosen(probabilities, true)


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="50 are the least"):
        conformal.fit(*draw(49, seed=5))


@pytest.mark.parametrize(
    "change", [{"bands": (5.0,)}, {"central": ((0.5, 0.9), (0.5, 0.9))}, {"central": ((0.5,),)}]
)
def test_a_table_whose_parts_disagree_is_refused(change: dict[str, object]) -> None:
    whole = {"levels": (0.5, 0.9), "bands": (0.0,), "central": ((0.5, 0.9),)}
    ConformalTable.model_validate(whole)
    with pytest.raises(ValidationError, match="a row a band"):
        ConformalTable.model_validate(whole | change)
