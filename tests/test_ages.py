from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agelens import ages
from agelens.labels import Sample

AGE = st.floats(0, 100)
DISTRIBUTION = (
    arrays(np.float64, 101, elements=st.floats(0.0, 1.0))
    .filter(lambda a: a.sum() > 1e-3)
    .map(lambda a: a / a.sum())
)


@given(AGE, st.floats(0.3, 30))
def test_a_gaussian_is_a_distribution_that_peaks_at_its_age(age: float, sigma: float) -> None:
    mass = ages.gaussian(age, sigma)
    assert mass.shape == (101,)
    assert mass.sum() == pytest.approx(1, abs=1e-5)
    assert abs(int(mass.argmax()) - age) <= 0.5 + 1e-6


@given(st.floats(10, 90), st.floats(0.8, 2))
def test_away_from_the_ends_a_gaussian_has_its_age_and_sigma(age: float, sigma: float) -> None:
    mass = ages.gaussian(age, sigma).astype(np.float64)
    assert ages.expectation(mass) == pytest.approx(age, abs=0.02)
    assert np.sqrt(mass @ (ages.AGES - age) ** 2) == pytest.approx(sigma, abs=0.05)


def test_noisy_ages_keep_their_own_sigma() -> None:
    mass = ages.gaussian([40, 40], [1.0, 8.0])
    widths = np.diff(ages.interval(mass, 0.8), axis=-1)[:, 0]
    assert widths[1] > 5 * widths[0]


def test_a_sigma_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        ages.gaussian(30, 0)


@given(st.integers(0, 100), st.integers(0, 100))
def test_interval_label_spreads_mass_over_its_years(one: int, other: int) -> None:
    low, high = min(one, other), max(one, other)
    mass = ages.uniform(low, high)
    assert mass.sum() == pytest.approx(1, abs=1e-5)
    assert np.flatnonzero(mass).tolist() == list(range(low, high + 1))
    assert np.ptp(mass[low : high + 1]) < 1e-6


def test_a_year_covered_in_part_gets_its_part() -> None:
    mass = ages.uniform(2.5, 4)
    assert mass[3] == pytest.approx(mass[4])
    assert mass[2] == pytest.approx(mass[3] / 2)


@pytest.mark.parametrize(("low", "high"), [(5, 4), (120, 130), (-9, -3)])
def test_an_impossible_interval_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        ages.uniform(low, high)


def test_each_kind_of_label_has_its_target() -> None:
    samples = [
        Sample("a", age=30),
        Sample("b", age=30, age_std=6.0),
        Sample("c", age_low=20, age_high=29),
        Sample("d"),
    ]
    targets = ages.targets(samples, sigma=2.0)
    np.testing.assert_allclose(targets[0], ages.gaussian(30, 2.0))
    np.testing.assert_allclose(targets[1], ages.gaussian(30, 6.0))
    np.testing.assert_allclose(targets[2], ages.uniform(20, 29))
    assert targets[3].sum() == 0
    assert ages.targets([]).shape == (0, 101)


@given(DISTRIBUTION, st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_with_their_level_and_stay_in_range(
    mass: np.ndarray, one: float, other: float
) -> None:
    lower, upper = ages.quantile(mass, min(one, other)), ages.quantile(mass, max(one, other))
    assert 0 <= lower <= upper + 1e-9 <= 100 + 1e-6


@given(st.integers(0, 100))
def test_the_median_of_a_certain_age_is_that_age(age: int) -> None:
    mass = np.eye(101)[age]
    assert ages.quantile(mass, 0.5) == pytest.approx(age)
    assert ages.expectation(mass) == age


@given(DISTRIBUTION, st.floats(0.05, 0.95))
def test_a_central_interval_holds_its_share_of_the_mass(mass: np.ndarray, level: float) -> None:
    low, high = ages.interval(mass, level)
    inside = np.clip(np.minimum(ages.AGES + 0.5, high) - np.maximum(ages.AGES - 0.5, low), 0, 1)
    # Clipping to 0..100 can cut half a bin at either end.
    assert inside @ mass >= level - mass[0] / 2 - mass[100] / 2 - 1e-6


def test_intervals_nest() -> None:
    mass = ages.gaussian([3.0, 40.0, 97.0], 5.0)
    narrow, wide = ages.interval(mass, 0.5), ages.interval(mass, 0.95)
    assert (wide[:, 0] < narrow[:, 0]).all()
    assert (narrow[:, 1] < wide[:, 1]).all()


@pytest.mark.parametrize("level", [0.0, 1.0, 90])
def test_a_level_outside_0_to_1_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        ages.interval(ages.gaussian(30), level)


def test_a_quantile_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="quantile"):
        ages.quantile(ages.gaussian(30), 1.5)


@given(st.integers(0, 100), AGE)
def test_crps_of_a_certain_age_is_its_absolute_error(age: int, truth: float) -> None:
    score = ages.crps(np.eye(101)[[age]], [truth])
    assert score[0] == pytest.approx(abs(age - truth))


@given(DISTRIBUTION, st.integers(0, 100))
def test_crps_is_the_integral_of_the_squared_cdf_error(mass: np.ndarray, truth: int) -> None:
    step = truth <= ages.AGES
    integral = ((np.cumsum(mass) - step)[:-1] ** 2).sum()  # the CDF is constant between whole years
    assert ages.crps(mass[None], [truth])[0] == pytest.approx(integral, abs=1e-9)


@given(arrays(np.float64, 101, elements=st.floats(-40, 40)), st.floats(0.3, 5))
def test_softmax_sums_to_one_and_keeps_the_order(logits: np.ndarray, temperature: float) -> None:
    mass = ages.softmax(logits, temperature)
    assert mass.sum() == pytest.approx(1, abs=1e-4)
    assert mass[logits.argmax()] == mass.max()


def test_entropy_runs_from_certainty_to_no_idea() -> None:
    assert ages.entropy(np.eye(101)[30]) == 0
    assert ages.entropy(np.full(101, 1 / 101)) == pytest.approx(np.log(101))


@given(DISTRIBUTION, st.floats(0.001, 0.999))
def test_the_cdf_undoes_the_quantile(mass: np.ndarray, q: float) -> None:
    age = ages.quantile(mass[None], q)
    if 0 < age[0] < 100:  # clipped ends have no way back
        assert ages.cdf(mass[None], age)[0] == pytest.approx(q, abs=1e-6)


@given(DISTRIBUTION)
def test_the_probability_of_an_age_or_more_falls_from_one(mass: np.ndarray) -> None:
    falling = [float(ages.survival(mass, age)) for age in range(101)]
    assert falling[0] == pytest.approx(1)
    assert (np.diff(falling) <= 1e-12).all()
    assert falling[100] == pytest.approx(mass[100])
    with pytest.raises(ValueError, match="within 0"):
        ages.survival(mass, 101)


def test_quantiles_take_a_level_a_row() -> None:
    rows = ages.gaussian([20, 60], 4.0)
    both = ages.quantile(rows, np.array([0.1, 0.9]))
    assert both == pytest.approx([float(ages.quantile(rows[0], 0.1)), float(ages.quantile(rows[1], 0.9))])


def test_the_mean_makes_the_squared_error_least_and_the_median_the_absolute() -> None:
    mass = np.zeros((1, 101))
    mass[0, [20, 30, 90]] = 0.4, 0.3, 0.3
    truth = np.repeat([20, 30, 90], [40, 30, 30])
    mean, median = float(ages.point(mass)[0]), float(ages.point(mass, "median")[0])
    assert mean == pytest.approx(44)
    assert np.square(truth - mean).mean() < np.square(truth - median).mean()
    assert np.abs(truth - median).mean() < np.abs(truth - mean).mean()


def test_the_spread_of_an_exact_age_may_grow_with_it() -> None:
    samples = [Sample("a", age=30), Sample("b", age=30, age_std=6.0), Sample("c", age=0)]
    grown = ages.targets(samples, sigma=2.0, sigma_per_year=0.1)
    np.testing.assert_allclose(grown[0], ages.gaussian(30, 5.0))
    np.testing.assert_allclose(grown[1], ages.gaussian(30, 6.0))
    np.testing.assert_allclose(grown[2], ages.gaussian(0, 2.0))
    np.testing.assert_allclose(ages.target(samples[0]), ages.gaussian(30, 1.5))
    np.testing.assert_allclose(ages.gaussian(30), ages.gaussian(30, 1.5))


def test_half_an_interval_is_no_label() -> None:
    assert ages.target(Sample("a", age_low=20)).sum() == 0
    assert ages.target(Sample("a", age_high=20)).sum() == 0


def test_labels_are_float32_whatever_is_known() -> None:
    for sample in (Sample("a", age=30), Sample("b", age_low=20, age_high=29), Sample("c")):
        assert ages.target(sample).dtype == np.float32
    assert ages.targets([]).dtype == np.float32


def test_every_row_is_answered_by_itself() -> None:
    rows = ages.gaussian([20.0, 60.0, 99.0], [1.5, 6.0, 12.0])
    truth = np.array([20, 50, 100])
    for answer, each in (
        (ages.survival(rows, 58), [ages.survival(row, 58) for row in rows]),
        (ages.entropy(rows), [ages.entropy(row) for row in rows]),
        (ages.crps(rows, truth), [ages.crps(row, age) for row, age in zip(rows, truth, strict=True)]),
        (ages.cdf(rows, truth), [ages.cdf(row, age) for row, age in zip(rows, truth, strict=True)]),
        (ages.interval(rows), [ages.interval(row, 0.9) for row in rows]),
    ):
        assert answer.dtype == np.float64
        np.testing.assert_allclose(answer, np.array(each), rtol=1e-12)


def test_frequencies_are_the_counts_smoothed_by_three_years() -> None:
    counts = ages.frequencies(np.full(1000, 50.0))
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    assert counts.shape == (101,)
    np.testing.assert_allclose(counts[41:60], np.maximum(1000 * kernel / kernel.sum(), 1.0))
    assert (counts[:41] == 1).all()  # rare ages count as one face, none as no face
    assert (counts[60:] == 1).all()


def test_frequencies_of_evenly_spread_ages_are_even_up_to_the_ends() -> None:
    np.testing.assert_allclose(ages.frequencies(np.repeat(np.arange(101), 7)), 7)


def test_frequencies_round_ages_and_clip_them_to_the_bins() -> None:
    rounded = ages.frequencies([30.0] * 40 + [0.0] * 40 + [100.0] * 40)
    np.testing.assert_allclose(ages.frequencies([30.4, 29.6] * 20 + [-2.0] * 40 + [104.0] * 40), rounded)


def test_retempering_is_the_softmax_at_another_temperature() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (5, 101))
    offsets = np.linspace(-1, 1, 101)
    tempered = ages.retempered(ages.softmax(logits), 2.5, offsets)
    np.testing.assert_allclose(tempered, ages.softmax(logits, 2.5, offsets), atol=1e-6)
    np.testing.assert_allclose(ages.retempered(ages.softmax(logits), 1.0), ages.softmax(logits), atol=1e-6)


def test_an_impossible_age_is_retempered_as_one_in_a_million_millions() -> None:
    tempered = ages.retempered(np.eye(101)[30], 2.0)
    assert tempered[29] / tempered[30] == pytest.approx(1e-6, rel=1e-4)


def test_offsets_are_added_to_the_logits() -> None:
    logits, offsets = np.array([0.3, -1.2, 2.0]), np.array([1.0, 0.0, -2.0])
    np.testing.assert_allclose(
        ages.softmax(logits, 2.0, offsets), ages.softmax(logits / 2 + offsets), rtol=1e-6
    )


def test_logits_of_any_size_and_rows_far_apart_have_probabilities() -> None:
    np.testing.assert_allclose(ages.softmax([[2000.0, 2000.0], [-2000.0, -2000.0]]), 0.5)


def test_the_ends_of_a_distribution_are_its_first_and_last_edge() -> None:
    mass = ages.uniform(10, 20)
    assert ages.quantile(mass, 1.0) == pytest.approx(20.5)
    assert ages.quantile(mass, 0.5) == pytest.approx(15.0)


def test_a_distribution_that_does_not_quite_sum_to_one_has_the_same_shares() -> None:
    mass = ages.gaussian(40.0, 5.0)
    assert ages.cdf(2 * mass, 43.0) == pytest.approx(float(ages.cdf(mass, 43.0)), abs=1e-6)


def test_a_spread_that_is_not_positive_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^sigma must be positive \(years\)$"):
        ages.gaussian(30.0, 0.0)
