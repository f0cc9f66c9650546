from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from agelens.inference.options import AnswerOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"level": 0.49}, "level must be 0.5 to 0.99, not 0.49"),
        ({"level": 0.995}, "level must be 0.5 to 0.99"),
        ({"at_least": -1}, "at_least must be 0 to 100, not -1"),
        ({"at_least": 101}, "at_least must be 0 to 100"),
        ({"min_quality": 1.01}, "min_quality must be 0 to 1"),
        ({"point": "mode"}, "point must be 'mean' or 'median', not 'mode'"),
    ],
)
def test_a_value_out_of_range_is_a_sentence(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AnswerOptions(**values)


def test_the_ends_of_each_range_belong_to_it() -> None:
    AnswerOptions(level=0.5, at_least=0, min_quality=0)
    AnswerOptions(level=0.99, at_least=100, min_quality=1, point="median")


def test_options_are_values() -> None:
    assert AnswerOptions(level=0.8) == AnswerOptions(level=0.8)
    assert len({AnswerOptions(), AnswerOptions(level=0.9), AnswerOptions(flip=True)}) == 2
    with pytest.raises(FrozenInstanceError):
        AnswerOptions().level = 0.8  # type: ignore[misc]


def test_every_option_says_what_it_is() -> None:
    for option in fields(AnswerOptions):
        assert option.metadata["help"].endswith(".")
