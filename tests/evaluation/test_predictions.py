from __future__ import annotations

import numpy as np

from agelens.labels import Gender, Sample
from labelled import predictions_of

SAMPLES = [
    Sample("a", age=30, gender=Gender.FEMALE, group="x"),
    Sample("b", age_low=20, age_high=30, gender=Gender.MALE),
    Sample("c"),
]


def test_errors_are_nan_where_no_label_allows_one() -> None:
    p = predictions_of(SAMPLES, [36, 24, 50], male=[0.4, 0.4, 0.9])
    np.testing.assert_array_equal(p.signed_error, [6, -1, np.nan])
    np.testing.assert_array_equal(p.covered, [0, 1, np.nan])  # the interval ends at 31
    np.testing.assert_array_equal(p.right_gender, [1, 0, np.nan])
    assert p.exact.tolist() == [True, False, False]
    assert p.groups.tolist() == ["x", "", ""]


def test_an_interval_holds_its_own_ends() -> None:
    p = predictions_of([Sample("a", age=25), Sample("b", age=35)], [30, 30])
    assert p.covered.tolist() == [1, 1]


def test_a_gender_of_even_odds_is_male() -> None:
    assert predictions_of(SAMPLES[:2], [1, 1], male=[0.5, 0.49]).gender.tolist() == [0, 1]


def test_what_is_not_answered_is_measured_nowhere() -> None:
    p = predictions_of(SAMPLES, [np.nan] * 3, male=[np.nan] * 3)
    for values in (p.signed_error, p.covered, p.right_gender):
        assert np.isnan(values).all()
    assert not (p.exact | p.with_age | p.with_gender).any()
    answered = predictions_of(SAMPLES, [36, 24, 50])
    assert answered.with_age.tolist() == [True, True, False]
    assert answered.with_gender.tolist() == [True, True, False]
