from __future__ import annotations

import pytest

from agelens.figures import FIGURES, certainty, figure_of, gender_word, is_doubtful, percent
from agelens.metrics import Estimate


def test_the_name_of_a_figure_of_intervals_tells_the_level_measured() -> None:
    figure = FIGURES["interval_coverage"]
    assert figure.title(0.9) == "coverage of 90 % intervals"
    assert figure.title(0.5) == "coverage of 50 % intervals"
    assert figure.title(0.8, short=True) == "80 % intervals hold"
    assert figure.title() == "coverage of intervals"  # not recorded, so not said
    assert FIGURES["uncalibrated_width"].title(0.5) == "width of uncalibrated 50 % intervals, years"


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50 %"), (0.9, "90 %"), (0.975, "97.5 %"), (0.995, "99.5 %"), (0.29, "29 %")]
)
def test_a_level_is_not_rounded_to_another(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_figure_is_written_with_its_interval_in_its_own_format() -> None:
    estimate = Estimate(0.123, -0.5, 0.25)
    assert FIGURES["bias"].with_interval(estimate) == "+0.12 [-0.50, +0.25]"
    assert FIGURES["gender_accuracy"].with_interval(Estimate(0.9, 0.85, 1)) == "90.0% [85.0%, 100.0%]"
    assert FIGURES["score"].written(0.85216) == "0.852"
    assert FIGURES["mae"].written(None) == FIGURES["mae"].with_interval(None) == ""


def test_differences_of_shares_are_points_and_those_of_years_are_years() -> None:
    estimate = Estimate(0.123, -0.5, 0.25)
    assert FIGURES["mae"].difference(estimate) == "+0.12 years [-0.50, +0.25]"
    assert FIGURES["score"].difference(estimate) == "+0.123 [-0.500, +0.250]"
    assert figure_of("coverage").difference(estimate, signed=False) == "12.3 points [-50.0, 25.0]"


def test_every_key_is_its_figures_own_and_no_two_are_named_alike() -> None:
    assert all(key == figure.key for key, figure in FIGURES.items())
    titles = [figure.title(0.9) for figure in FIGURES.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("probability", "digits", "text"),
    [
        (0.932, 0, "93%"),
        (0.9949, 0, "99%"),
        (0.996, 0, ">99%"),
        (1.0, 0, ">99%"),
        (0.004, 0, "<1%"),
        (0.0, 0, "<1%"),
        (0.9992, 1, "99.9%"),
        (0.99996, 1, ">99.9%"),
        (0.0001, 1, "<0.1%"),
        (None, 0, "–"),
    ],
)
def test_no_answer_is_certain_and_none_impossible(probability: float | None, digits: int, text: str) -> None:
    assert certainty(probability, digits) == text


def test_a_doubtful_gender_bears_a_question_mark() -> None:
    assert [gender_word("male", probability) for probability in (0.5, 0.74, 0.75, 1)] == [
        "male?", "male?", "male", "male",
    ]  # fmt: skip
    assert gender_word(None, None) == "–"
    assert not is_doubtful(None)
