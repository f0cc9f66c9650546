from __future__ import annotations

import pytest
import torch

from agelens.training.callbacks import EpochLine, MovingAverage, callbacks_of
from agelens.training.recipe import load_recipe


def averages(decay: float, values: list[float]) -> list[float]:
    """The average after each step of a weight that takes these values."""
    update = MovingAverage(decay)._kwargs["multi_avg_fn"]
    average, found = torch.zeros(3), []
    for step, value in enumerate(values):
        update([average], [torch.full((3,), value)], torch.tensor(step))
        found.append(float(average[0]))
    return found


def test_the_average_keeps_its_decay_once_it_is_warm() -> None:
    values = [1.0] * 400
    found = averages(0.9, values)
    expected = 0.0
    for step, average in enumerate(found):
        keep = min(0.9, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep)
        assert average == pytest.approx(expected, rel=1e-5)
    assert averages(0.9, [1.0])[0] == pytest.approx(0.9)  # a fixed decay would have given 0.1


def test_counters_are_copied_and_not_averaged() -> None:
    update = MovingAverage(0.99)._kwargs["multi_avg_fn"]
    counter = torch.tensor(3)
    update([counter], [torch.tensor(8)], torch.tensor(500))
    assert counter.item() == 8


def test_there_is_an_average_where_the_recipe_has_one() -> None:
    kinds = [
        [
            type(callback)
            for callback in callbacks_of(load_recipe("embedded-labels", [f"optim.ema_decay={decay}"]))
        ]
        for decay in (0, 0.9)
    ]
    assert kinds == [[EpochLine], [EpochLine, MovingAverage]]
