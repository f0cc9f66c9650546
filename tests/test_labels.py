from __future__ import annotations

import numpy as np
import pytest

from agelens.errors import LabelError
from agelens.labels import (
    Gender,
    Sample,
    ages_of,
    genders_of,
    parse_age,
    parse_gender,
    parse_gender_code,
)


@pytest.mark.parametrize(("text", "age"), [("0", 0.0), ("31", 31.0), ("2.5", 2.5), (" 100 ", 100.0)])
def test_an_age_is_read_as_years(text: str, age: float) -> None:
    assert parse_age(text) == (age, False)


@pytest.mark.parametrize("text", ["101", "116", "122"])
def test_an_age_above_100_is_clipped_and_says_so(text: str) -> None:
    assert parse_age(text) == (100.0, True)


@pytest.mark.parametrize("text", ["", "old", "-1", "123", "nan", "inf", "1e9", "12 years"])
def test_what_is_no_human_age_is_refused(text: str) -> None:
    with pytest.raises(LabelError, match="age"):
        parse_age(text)


@pytest.mark.parametrize("word", ["female", "Female", "F", " woman "])
def test_gender_is_read_from_words(word: str) -> None:
    assert parse_gender(word) is Gender.FEMALE


def test_an_empty_gender_is_unknown() -> None:
    assert parse_gender("  ") is None


def test_a_bare_code_is_never_guessed() -> None:
    with pytest.raises(LabelError, match="--gender-code"):
        parse_gender("1")


def test_a_gender_code_decides_both_ways_round() -> None:
    one, other = parse_gender_code("0=male,1=female"), parse_gender_code("0=female, 1=male")
    assert parse_gender("1", one) is Gender.FEMALE
    assert parse_gender("1", other) is Gender.MALE
    assert parse_gender("1.0", one) is Gender.FEMALE
    with pytest.raises(LabelError, match="0=male"):
        parse_gender("2", one)
    with pytest.raises(LabelError, match=r"is not in the code 0=male, 1=female$"):
        parse_gender("x", one)


def test_a_code_of_decimals_is_taken_as_it_is_written() -> None:
    code = {"1.0": Gender.MALE, "1": Gender.FEMALE}
    assert parse_gender("1.0", code) is Gender.MALE
    assert parse_gender("1", code) is Gender.FEMALE


@pytest.mark.parametrize(
    "text",
    ["", "0=male", "0=male,1=male", "male,female", "0:male,1:female", "=male,1=female", "0=x=male,1=female"],
)
def test_a_gender_code_must_name_both(text: str) -> None:
    with pytest.raises(LabelError, match="gender code"):
        parse_gender_code(text)


def test_the_point_age_of_an_interval_is_its_middle() -> None:
    assert Sample("a.jpg", age_low=20, age_high=29).point_age == 24.5
    assert Sample("a.jpg", age=7, age_low=20, age_high=29).point_age == 7
    assert Sample("a.jpg").point_age is None


def test_gender_positions_are_male_then_female() -> None:
    assert [Gender.MALE.position, Gender.FEMALE.position] == [0, 1]


def test_labels_come_as_arrays_in_which_the_unknown_is_nan_and_minus_one() -> None:
    samples = (
        Sample("a.jpg", age=31, gender=Gender.FEMALE),
        Sample("b.jpg", age_low=20, age_high=29),
        Sample("c.jpg", gender=Gender.MALE),
    )
    ages, genders = ages_of(samples), genders_of(iter(samples))
    np.testing.assert_array_equal(ages, [31, 24.5, np.nan])
    assert ages.dtype == np.float64
    assert genders.tolist() == [1, -1, 0]
    assert genders.dtype == np.int64
    assert (ages_of([]).shape, ages_of([]).dtype) == ((0,), np.float64)
    assert (genders_of([]).shape, genders_of([]).dtype) == ((0,), np.int64)


def test_a_word_that_is_no_gender_is_told_what_is() -> None:
    with pytest.raises(
        LabelError, match=r"^gender 'x' is neither 'male' nor 'female'; a bare code needs --gender-code$"
    ):
        parse_gender("x")
