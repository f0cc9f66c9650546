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


@pytest.fixture(scope="module")
def table() -> ConformalTable:
    return conformal.fit(*draw(4000, seed=1))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_calibrated_intervals_hold_as_often_as_they_say_for_young_and_old(
    table: ConformalTable, level: float
) -> None:
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


@pytest.fixture(scope="module")
def answered() -> tuple[np.ndarray, ConformalTable]:
    """300 answers, and the table that fits them."""
    probabilities, true = draw(300, seed=4)
    return probabilities, conformal.fit(probabilities, true)


@given(st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_intervals_are_nested_as_the_level_rises(
    answered: tuple[np.ndarray, ConformalTable], one: float, other: float
) -> None:
    probabilities, table = answered
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
    with pytest.raises(ValidationError, match="a row a band, the first from age 0"):
        ConformalTable.model_validate(whole | change)


def test_the_one_standard_error_rule_takes_the_most_neighbours_that_are_as_good() -> None:
    # The least loss alone would take 200, 100, 300, 600, 200, 150.
    for size, overconfidence, seed, neighbours in (
        (400, 1.0, 0, 200),
        (400, 1.5, 3, 200),
        (1000, 1.0, 0, 1000),
        (1000, 1.0, 2, 600),
        (1000, 1.5, 2, 200),
        (1000, 2.0, 3, 300),
    ):
        probabilities, true = draw(size, seed, overconfidence)
        score = conformal.scores(probabilities, true)
        assert conformal.choose_neighbours(score, ages.expectation(probabilities)) == neighbours


def test_a_band_reaches_from_its_lower_end_to_the_next() -> None:
    table = ConformalTable(levels=(0.5, 0.9), bands=(0, 20, 60), central=((0.5, 0.9), (0.6, 0.8), (0.7, 0.7)))
    np.testing.assert_allclose(
        table.central_levels([0, 19.9, 20, 59, 60, 200], 0.5), [5, 5, 6, 6, 7, 7] * np.array(0.1)
    )
    np.testing.assert_allclose(table.central_levels([0, 20, 60], 0.8), [0.8, 0.75, 0.7])  # between its levels
    np.testing.assert_allclose(table.central_levels([-1], 0.2), [0.5])


def test_each_band_takes_the_corrected_quantile_of_its_nearest_faces() -> None:
    # Sixty faces answered 10, of scores 0.010 … 0.600, and sixty answered 80 whose scores are all greater.
    steps = np.arange(1, 61) / 100
    probabilities = ages.gaussian(np.repeat([10.0, 80.0], 60), 3.0)
    levels = np.concatenate([steps, 0.3 + steps])
    true = ages.quantile(probabilities, (1 + levels) / 2)
    score = conformal.scores(probabilities, true)
    np.testing.assert_allclose(score, levels, atol=1e-6)
    table = conformal.fit(probabilities, true, bands=(0, 30, 60), levels=(0.5, 0.9, 0.99), neighbours=60)
    # The ⌈level × 61⌉-th of 60 scores: the 31st, the 55th, the last.
    np.testing.assert_allclose(table.central[0], [0.31, 0.55, 0.60], atol=1e-4)
    np.testing.assert_allclose(table.central[2], [0.61, 0.85, 0.90], atol=1e-4)
    assert (table.levels, table.bands) == ((0.5, 0.9, 0.99), (0, 30, 60))


def test_the_middle_of_a_band_decides_which_faces_are_near() -> None:
    probabilities = ages.gaussian(np.repeat([10.0, 80.0], 50), 3.0)
    true = np.repeat([10.0, 90.0], 50)  # scores of 0 and of nearly 1
    near = conformal.fit(probabilities, true, bands=(0, 88), levels=(0.9,), neighbours=50).central
    assert near[0][0] < 0.1  # the middle of 0..88 is 44, nearer to 10 than to 80
    assert near[1][0] > 0.9
    far = conformal.fit(probabilities, true, bands=(0, 92), levels=(0.9,), neighbours=50).central
    assert far[0][0] > 0.9
    probabilities = ages.gaussian(np.repeat([10.0, 92.4], 50), 1.0)
    last = conformal.fit(
        probabilities, np.repeat([10.0, 99.0], 50), bands=(0, 1), levels=(0.9,), neighbours=50
    )
    assert last.central[1][0] < 0.1  # the last band ends at 101: its middle is 51, just nearer to 10


def test_no_interval_is_asked_to_hold_everything() -> None:
    probabilities = ages.gaussian(np.full(50, 30.0), 1.0)
    table = conformal.fit(probabilities, np.full(50, 90.0))  # scores of 1
    assert {value for row in table.central for value in row} == {conformal.HIGHEST}
    low, high = conformal.interval(probabilities[:1], 0.9, table)[0]
    assert 0 < low < 30 < high < 100


def test_fifty_faces_are_enough_and_the_levels_are_those_that_are_reported() -> None:
    table = conformal.fit(*draw(50, seed=5))
    assert table.levels == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99)
    assert set(conformal.REPORTED_LEVELS) <= set(table.levels)
    assert table.bands[:3] == (0, 0.25, 0.5)
    assert table.bands[38:42] == (9.5, 9.75, 10, 11)
    assert table.bands[-1] == 79
    assert len(table.central) == len(table.bands) == 110
    assert all(round(value, 4) == value for row in table.central for value in row)


def test_faces_equally_near_keep_their_order() -> None:
    years = np.random.default_rng(0).integers(0, 5, 2000).astype(float)
    order = conformal._nearest(years, np.array([2.0]))
    assert order[0].tolist() == sorted(range(2000), key=lambda row: abs(years[row] - 2.0))


def test_every_number_of_neighbours_that_nine_tenths_of_the_faces_hold_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: set[int] = set()
    quantiles = conformal._quantiles

    def watched(score, levels):
        tried.add(score.shape[1])
        return quantiles(score, levels)

    monkeypatch.setattr(conformal, "_quantiles", watched)
    rng = np.random.default_rng(0)
    conformal.choose_neighbours(rng.random(120), rng.uniform(0, 100, 120))
    assert tried == {100, 108}
