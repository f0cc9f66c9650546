from __future__ import annotations

import numpy as np
import pytest

from agelens.training.sampler import EpochSampler, balancing_weights


def test_every_row_is_drawn_once_an_epoch_in_another_order() -> None:
    sampler = EpochSampler(50, shuffle=True, seed=0)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(row for _, row in first) == sorted(row for _, row in second) == list(range(50))
    assert [row for _, row in first] != [row for _, row in second]
    assert {epoch for epoch, _ in second} == {1}


def test_processes_share_an_epoch_and_take_equally_many_steps() -> None:
    shares = [list(EpochSampler(51, shuffle=True, seed=0, rank=rank, processes=4)) for rank in range(4)]
    assert [len(share) for share in shares] == [13] * 4
    assert {row for share in shares for _, row in share} == set(range(51))


def test_evaluation_is_in_order_and_shares_without_repeats() -> None:
    assert [row for _, row in EpochSampler(5, shuffle=False, seed=0)] == [0, 1, 2, 3, 4]
    shares = [
        [row for _, row in EpochSampler(5, shuffle=False, seed=0, rank=r, processes=2)] for r in range(2)
    ]
    assert shares == [[0, 2, 4], [1, 3]]
    assert [len(EpochSampler(5, shuffle=False, seed=0, rank=r, processes=2)) for r in range(2)] == [3, 2]


def test_a_limit_draws_other_rows_each_epoch() -> None:
    sampler = EpochSampler(100, shuffle=True, seed=0, limit=10)
    first = {row for _, row in sampler}
    sampler.set_epoch(1)
    assert len(sampler) == len(first) == 10
    assert first != {row for _, row in sampler}


def test_balancing_draws_rare_ages_oftener_and_common_ones_still() -> None:
    ages = np.array([20.0] * 90 + [80.0] * 10)
    weights = balancing_weights(ages, 0.5)
    assert weights[-1] / weights[0] == pytest.approx(3, rel=0.02)  # nine times as rare
    draws = [row for _, row in EpochSampler(100, shuffle=True, seed=0, weights=weights)]
    assert len(draws) == 100
    assert 24 <= sum(row >= 90 for row in draws) <= 26
    assert balancing_weights([np.nan, 30.0, 30.0], 1.0).tolist() == [1.0, 1.0, 1.0]


def test_balancing_does_not_take_the_ends_for_rare() -> None:
    weights = balancing_weights(np.repeat(np.arange(101), 5), 1.0)
    assert weights.max() / weights.min() < 1.01


def test_a_seed_gives_its_own_order_and_gives_it_again() -> None:
    orders = [[row for _, row in EpochSampler(30, shuffle=True, seed=seed)] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
def test_balancing_weights_have_mean_one_over_known_ages(power: float) -> None:
    ages = np.array([20.0] * 60 + [np.nan] * 10 + [70.0] * 5)
    weights = balancing_weights(ages, power)
    assert weights[~np.isnan(ages)].mean() == pytest.approx(1)
    assert (weights[np.isnan(ages)] == 1).all()
    assert (weights[-1] > weights[0]) == (power > 0)
