from __future__ import annotations

import pytest

from agelens.evaluation.groups import GroupError, Prediction, group_errors
from agelens.labels import Gender, Sample


def prediction(true: float | None, answer: float, **labels: object) -> Prediction:
    sample = Sample("face.jpg", age=true, **labels)  # type: ignore[arg-type]
    return Prediction(sample, answer, (answer - 5, answer + 5), male=0.9)


def test_bands_of_true_age_show_what_one_mean_hides() -> None:
    pairs = [(1, 4), (2, 6), (30, 30), (80, 70), (100, 80), (None, 3)]
    found = {(e.by, e.name): (e.images, e.mae, e.bias) for e in group_errors([prediction(*p) for p in pairs])}
    assert found == {
        ("age", "0–2"): (2, 3.5, 3.5),
        ("age", "21–30"): (1, 0.0, 0.0),
        ("age", "71–100"): (2, 15.0, -15.0),
    }


def test_genders_and_the_manifests_groups_are_measured_where_labelled() -> None:
    errors = group_errors(
        [
            prediction(None, 30, gender=Gender.MALE, group="b"),
            prediction(20, 24, gender=Gender.FEMALE, group="b"),
            prediction(20, 18, group="a"),
        ]
    )
    assert GroupError("gender", "male", 1, None, None, 1.0, None) in errors
    assert GroupError("gender", "female", 1, 4.0, 4.0, 0.0, 1.0) in errors
    assert [e.name for e in errors if e.by == "group"] == ["a", "b"]
    (b,) = (e for e in errors if e.by == "group" and e.name == "b")
    assert (b.images, b.mae, b.gender_accuracy) == (2, 4.0, pytest.approx(0.5))
    (a,) = (e for e in errors if e.by == "group" and e.name == "a")
    assert a.gender_accuracy is None


def test_attributes_are_crossed_and_a_face_that_lacks_one_is_in_no_crossed_group() -> None:
    faces = [
        prediction(30, 42, gender=Gender.FEMALE, group="a"),
        prediction(17, 20, gender=Gender.MALE, group="b"),
        prediction(17, 20, gender=Gender.MALE),
    ]
    crossed = [e for e in group_errors(faces) if e.by == "age × gender × group"]
    assert [(e.name, e.images, e.coverage) for e in crossed] == [
        ("0–17, male, b", 1, 1.0),
        ("18–39, female, a", 1, 0.0),
    ]
    assert all(e.small for e in crossed)
    assert any(e.by == "age × gender" for e in group_errors([prediction(3, 4, gender=Gender.MALE)]))
