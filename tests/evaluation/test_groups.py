from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agelens.evaluation.groups import group_errors
from agelens.labels import Gender, Sample
from agelens.models.measurement import EYES, GroupError
from labelled import predictions_of


def errors_of(*faces: tuple[Sample, float]) -> tuple[GroupError, ...]:
    return group_errors(predictions_of([sample for sample, _ in faces], [answer for _, answer in faces]))


def face(true: float | None, gender: Gender | None = None, group: str = "") -> Sample:
    return Sample("face.jpg", age=true, gender=gender, group=group)


def test_bands_of_true_age_show_what_one_mean_hides() -> None:
    pairs = [(1, 4), (2, 6), (30, 30), (80, 70), (100, 80), (None, 3)]
    found = {
        (e.by, e.name): (e.images, e.mae, e.bias)
        for e in errors_of(*((face(true), answer) for true, answer in pairs))
    }
    assert found == {
        ("age", "0–2"): (2, 3.5, 3.5),
        ("age", "21–30"): (1, 0.0, 0.0),
        ("age", "71–100"): (2, 15.0, -15.0),
    }


def test_genders_and_the_manifests_groups_are_measured_where_labelled() -> None:
    errors = errors_of(
        (face(None, Gender.MALE, "b"), 30), (face(20, Gender.FEMALE, "b"), 24), (face(20, group="a"), 18)
    )
    values = [replace(e, intervals={}) for e in errors]
    assert GroupError("gender", "male", 1, None, None, 1.0, None) in values
    assert GroupError("gender", "female", 1, 4.0, 4.0, 0.0, 1.0) in values
    assert [e.name for e in errors if e.by == "group"] == ["a", "b"]
    (b,) = (e for e in errors if e.by == "group" and e.name == "b")
    assert (b.images, b.mae, b.gender_accuracy) == (2, 4.0, pytest.approx(0.5))
    (a,) = (e for e in errors if e.by == "group" and e.name == "a")
    assert a.gender_accuracy is None


def test_attributes_are_crossed_and_a_face_that_lacks_one_is_in_no_crossed_group() -> None:
    errors = errors_of(
        (face(30, Gender.FEMALE, "a"), 42), (face(17, Gender.MALE, "b"), 20), (face(17, Gender.MALE), 20)
    )
    crossed = [e for e in errors if e.by == "age × gender × group"]
    assert [(e.name, e.images, e.coverage) for e in crossed] == [
        ("0–17, male, b", 1, 1.0),
        ("18–39, female, a", 1, 0.0),
    ]
    assert all(e.small for e in crossed)
    assert any(e.by == "age × gender" for e in errors_of((face(3, Gender.MALE), 4)))


def test_groups_come_in_the_order_of_age_gender_and_name() -> None:
    labels = [(50, Gender.FEMALE, "a"), (5, Gender.FEMALE, "b"), (5, Gender.MALE, "b"), (5, Gender.MALE, "a")]
    names = [(e.by, e.name) for e in errors_of(*((face(*one), 9) for one in labels))]
    assert [name for by, name in names if by != "age × gender × group"] == [
        "3–10", "41–50", "male", "female", "a", "b",
    ]  # fmt: skip
    assert [name for by, name in names if by == "age × gender × group"] == [
        "0–17, male, a", "0–17, male, b", "0–17, female, b", "40–59, female, a",
    ]  # fmt: skip


@pytest.mark.parametrize(("age", "band"), [(2.9, "0–2"), (3, "3–10"), (10.5, "3–10"), (71, "71–100")])
def test_a_band_of_true_age_begins_at_its_first_year(age: float, band: str) -> None:
    assert errors_of((face(age), 9))[0].name == band


def test_errors_are_told_by_the_distance_of_the_eyes_where_it_is_known() -> None:
    samples = [Sample(f"{number}.jpg", age=30.0) for number in range(5)]
    found = group_errors(predictions_of(samples, [30, 32, 34, 36, 38], eyes=[15.9, 16, 40, 128, np.nan]))
    apart = [(one.name, one.images, one.mae) for one in found if one.by == EYES]
    assert apart == [("0–15 px", 1, 0), ("16–31 px", 1, 2), ("32–63 px", 1, 4), ("128 px or more", 1, 6)]
    assert not [one for one in group_errors(predictions_of(samples, [30.0] * 5)) if one.by == EYES]


def test_figures_of_a_group_have_intervals_as_far_as_its_faces_tell() -> None:
    rng = np.random.default_rng(0)
    wrong = rng.normal(0, 4, 200)
    samples = [Sample(f"{n}.jpg", age=25.0, gender=Gender.MALE) for n in range(200)]
    (group, *_) = group_errors(predictions_of(samples, (25 + wrong).tolist()), resamples=200)
    assert group.intervals.keys() == {"mae", "bias", "gender_accuracy", "coverage"}
    for key, (low, high) in group.intervals.items():
        assert low <= getattr(group, key) <= high
    assert group.intervals["bias"] == pytest.approx((-0.55, 0.55), abs=0.25)
    assert group.intervals["gender_accuracy"][1] == 1
    assert group.intervals["gender_accuracy"][0] > 0.97
    single, *_ = errors_of((face(30), 35))
    assert single.intervals.keys() == {"coverage"}  # one error says nothing of the others
