from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from agelens import metrics

LABELS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)
AGES = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=60)


@given(LABELS)
def test_macro_f1_and_accuracy_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    true, answer = np.array(pairs).T
    assert metrics.macro_f1(true, answer) == pytest.approx(reference.f1_score(true, answer, average="macro"))
    assert metrics.accuracy(true, answer) == pytest.approx(reference.accuracy_score(true, answer))


@given(AGES)
def test_errors_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    true, answer = np.array(pairs).T
    assert metrics.mae(true, answer) == pytest.approx(reference.mean_absolute_error(true, answer))
    assert metrics.rmse(true, answer) == pytest.approx(reference.root_mean_squared_error(true, answer))


def test_bias_is_positive_where_faces_are_answered_too_old() -> None:
    assert metrics.bias([10, 20], [13, 21]) == 2


def test_cumulative_score_counts_errors_up_to_and_including_k() -> None:
    assert metrics.cumulative_score([0, 0, 0, 0], [5, 5.01, -5, 0]) == 0.75
    assert metrics.cumulative_score([0, 0], [8, 3], years=8) == 1


def test_the_competition_score_is_the_harmonic_mean_of_its_parts() -> None:
    # RMSE 6 -> 0.8; three of four genders right -> macro F1 = (2/3 + 4/5) / 2
    score = metrics.competition_score([30, 40], [36, 34], [0, 0, 1, 1], [0, 1, 1, 1])
    f1 = (2 / 3 + 4 / 5) / 2
    assert score == pytest.approx(2 * f1 * 0.8 / (f1 + 0.8))


def test_an_rmse_above_30_years_scores_no_lower_than_0() -> None:
    assert metrics.age_score([0, 0], [90, 90]) == 0
    assert metrics.competition_score([0], [90], [0], [0]) == 0
    assert metrics.harmonic_mean(0, 0) == 0


def test_the_constant_answer_scores_what_the_facts_say() -> None:
    # facts.md: RMSE 19.70 and 52.8 % male answers give 0.344.
    f1 = (2 * 0.528 / 1.528) / 2
    assert metrics.harmonic_mean(f1, 1 - 19.70 / 30) == pytest.approx(0.344, abs=5e-4)


def test_coverage_counts_the_ends() -> None:
    intervals = [[10, 20], [10, 20], [10, 20], [10, 20]]
    assert metrics.coverage([10, 20, 9.9, 20.1], intervals) == 0.5
    assert metrics.interval_width(intervals) == 10


def test_a_bootstrap_interval_holds_the_figure_and_narrows_with_data() -> None:
    rng = np.random.default_rng(1)
    errors = rng.normal(5, 2, 2000)
    wide = metrics.bootstrap({"mean": lambda rows: float(errors[rows].mean())}, 100)["mean"]
    narrow = metrics.bootstrap({"mean": lambda rows: float(errors[rows].mean())}, 2000)["mean"]
    assert narrow.low < narrow.value < narrow.high
    # Theory: ± 1.96 σ / √n
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 2 / np.sqrt(2000), rel=0.15)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    assert str(narrow).startswith(f"{narrow.value:.3f} [")


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(50.0)
    mean = {"mean": lambda rows: float(values[rows].mean())}
    assert metrics.bootstrap(mean, 50, seed=3) == metrics.bootstrap(mean, 50, seed=3)
    assert metrics.bootstrap(mean, 50, seed=3) != metrics.bootstrap(mean, 50, seed=4)


def test_no_rows_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match=r"^no rows to measure$"):
        metrics.bootstrap({}, 0)


def test_calibration_error_is_the_gap_between_what_is_said_and_what_happens() -> None:
    said = np.repeat([0.1, 0.7], 1000)
    happened = np.concatenate([np.arange(1000) < 100, np.arange(1000) < 500])
    assert metrics.calibration_error(happened, said) == pytest.approx(np.sqrt(0.5 * 0.2**2), abs=2e-3)
    assert metrics.calibration_error(np.ones(5), np.ones(5)) == 0


def drawn_from(odds: float, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of 0 to 1, mostly near the ends, and what happens where their log odds are too large."""
    rng = np.random.default_rng(seed)
    stated = np.clip(rng.beta(0.3, 0.3, size), 1e-9, 1 - 1e-9)
    return stated, rng.uniform(size=size) < 1 / (1 + np.exp(-np.log(stated / (1 - stated)) * odds))


def test_a_calibrated_model_has_no_calibration_error_but_by_chance() -> None:
    def usual(happened: np.ndarray, stated: np.ndarray) -> float:
        bin_of = np.minimum((stated * 15).astype(int), 14)
        return float(np.abs(np.bincount(bin_of, weights=stated - happened)).sum() / len(stated))

    pairs = [drawn_from(1.0, 1000, seed) for seed in range(60)]
    debiased = [metrics.calibration_error(happened, stated) for stated, happened in pairs]
    plain = [usual(happened, stated) for stated, happened in pairs]
    assert np.median(debiased) < 0.005
    assert np.mean(np.array(debiased) == 0) > 0.3
    assert min(plain) > 0.008  # what it was before: never near 0


@pytest.mark.parametrize("odds", [1.0, 0.7, 0.4])
def test_the_interval_of_the_calibration_error_holds_its_own_figure_and_the_true_one(odds: float) -> None:
    many, happened = drawn_from(odds, 400_000, 99)
    true = metrics.calibration_error(happened, many)
    held = []
    for seed in range(20):
        stated, outcome = drawn_from(odds, 600, seed)
        told = metrics.bootstrap(
            {"": lambda rows, s=stated, o=outcome: metrics.calibration_error(o[rows], s[rows], rows)},
            600,
            resamples=200,
        )[""]
        assert told.low <= told.value <= told.high
        held.append(told.low <= true <= told.high)
    assert np.mean(held) >= 0.9


def test_negative_log_likelihood_is_scikit_learns_log_loss() -> None:
    from sklearn.metrics import log_loss

    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 50)
    labels = rng.integers(0, 4, 50)
    ours = metrics.negative_log_likelihood(probabilities, labels)
    assert ours == pytest.approx(log_loss(labels, probabilities, labels=range(4)))


def test_calibration_error_is_the_mean_product_of_two_different_faces_of_a_bin() -> None:
    stated, happened = np.array([0.2, 0.2, 0.2, 0.8, 0.8, 0.8]), np.array([0, 1, 1, 0, 0, 1])
    low, high = (0.2 * -0.8 * 2 + 0.64) / 3, (0.64 + 2 * 0.8 * -0.2) / 3
    assert metrics.calibration_error(happened, stated, bins=2) == pytest.approx(np.sqrt((low + high) / 2))
    # A face drawn twice makes no pair with itself: the pairs of rows 0 and 1, 0 and 1 again, and so on.
    drawn = np.array([0, 0, 1, 3, 4, 5])
    low = 0.2 * -0.8
    told = metrics.calibration_error(happened[drawn], stated[drawn], drawn, bins=2)
    assert told == pytest.approx(np.sqrt(max(0, 3 * low + 3 * high) / 6))
    assert metrics.calibration_error([1, 1], [0.5, 0.5], [7, 7]) == 0  # no two different faces


def test_calibration_error_is_taken_over_fifteen_bins_of_equally_many_faces() -> None:
    stated, happened = drawn_from(0.5, 3000, 1)
    exact = metrics.calibration_error(happened, stated, bins=15)
    assert metrics.calibration_error(happened, stated) == exact
    order = np.argsort(stated)
    gap = (stated - happened)[order].reshape(15, 200)
    squared = (gap.sum(axis=1) ** 2 - (gap**2).sum(axis=1)) / (200 * 199)
    assert exact == pytest.approx(np.sqrt(squared.mean()), abs=1e-3)


def test_the_interval_score_is_the_width_and_what_lies_outside() -> None:
    intervals = [[10, 20], [10, 20], [10, 20]]
    assert metrics.interval_score([10, 7, 22], intervals, 0.9) == pytest.approx([10, 10 + 60, 10 + 40])
    assert metrics.interval_score([7], [[10, 20]], 0.5) == pytest.approx([10 + 4 * 3])


def test_calibration_error_of_float32_is_that_of_the_same_numbers() -> None:
    rng = np.random.default_rng(0)
    stated = rng.uniform(size=500).astype(np.float32)
    happened = rng.uniform(size=500) < stated
    exact = metrics.calibration_error(happened, stated.astype(np.float64))
    assert metrics.calibration_error(happened, stated) == pytest.approx(exact, rel=1e-12)


def test_the_bootstrap_is_scipys_percentile_interval() -> None:
    from scipy.stats import bootstrap

    values = np.array([100.0, *range(1, 30)])
    ours = metrics.bootstrap({"mean": lambda rows: float(values[rows].mean())}, 30, resamples=20_000)["mean"]
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", random_state=1
    ).confidence_interval
    assert ours.value == values.mean()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)


def test_a_bootstrap_draws_a_thousand_times_by_the_seed_0() -> None:
    values = np.arange(50.0)
    mean = {"mean": lambda rows: float(values[rows].mean())}
    assert metrics.bootstrap(mean, 50) == metrics.bootstrap(mean, 50, resamples=1000, seed=0)


def test_the_figure_is_that_of_all_rows_and_one_row_is_enough() -> None:
    first = metrics.bootstrap({"rows": lambda rows: float(rows.sum())}, 1, resamples=5)["rows"]
    assert (first.value, first.low, first.high) == (0, 0, 0)
    seen: list[np.ndarray] = []

    def see(rows: np.ndarray) -> float:
        seen.append(rows)
        return 0.0

    metrics.bootstrap({"see": see}, 7, resamples=3)
    np.testing.assert_array_equal(seen[0], np.arange(7))
    assert [len(rows) for rows in seen] == [7] * 4
