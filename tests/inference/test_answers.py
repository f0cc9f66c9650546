from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from agelens import ages
from agelens.inference.answers import Answer, Face, Reading, average, concatenate
from agelens.inference.options import AnswerOptions
from agelens.labels import Gender


def face(options: AnswerOptions = AnswerOptions(), quality: float = 0.4) -> Face:
    return Face.answered(
        options,
        box=(1.234, 2, 3, 4),
        detection=0.98765,
        quality=quality,
        age=31.44,
        age_interval=(24.25, 39.51),
        gender=Gender.FEMALE,
        gender_probability=0.97654,
        age_probabilities=ages.gaussian(31.44, 5.0),
    )


def test_a_face_is_plain_rounded_json_in_this_order() -> None:
    values = face().to_dict()
    assert json.loads(json.dumps(values)) == values
    assert list(values.items()) == [
        ("box", [1.2, 2, 3, 4]),
        ("detection", 0.988),
        ("turn", 0),
        ("quality", 0.4),
        ("refused", None),
        ("age", 31.4),
        ("age_interval", [24.2, 39.5]),
        ("interval_level", 0.9),
        ("gender", "female"),
        ("gender_probability", 0.977),
    ]


def test_the_probability_of_an_age_is_answered_where_it_is_asked_for() -> None:
    asked = face(AnswerOptions(at_least=30))
    assert asked.at_least_probability == asked.probability_at_least(30)
    assert list(asked.to_dict())[-2:] == ["at_least", "at_least_probability"]
    assert asked.to_dict()["at_least_probability"] == pytest.approx(
        ages.gaussian(31.44, 5.0)[30:].sum(), abs=6e-4
    )
    with pytest.raises(ValueError, match=r"0\.\.100"):
        asked.probability_at_least(101)


def test_a_refused_face_says_why_and_keeps_only_its_place() -> None:
    refused = face(AnswerOptions(at_least=18, min_quality=0.41)).to_dict()
    assert refused["refused"] == "quality 0.40 is below 0.41"
    withheld = {"age", "age_interval", "gender", "gender_probability", "at_least_probability"}
    assert {name for name, value in refused.items() if value is None} == withheld
    assert refused["box"] == face().to_dict()["box"]
    assert refused["at_least"] == 18


def test_a_face_of_just_the_lowest_quality_is_answered() -> None:
    assert face(AnswerOptions(min_quality=0.4)).refused is None


def test_an_answer_tells_its_image_and_each_face() -> None:
    answer = Answer("a.jpg", 640, 480, (face(), face()))
    values = answer.to_dict()
    assert list(values) == ["image", "width", "height", "frames", "error", "faces"]
    assert values["faces"] == [face().to_dict()] * 2
    assert Answer("b.jpg", error="b.jpg: no such file").to_dict()["faces"] == []


def test_readings_are_averaged_and_joined() -> None:
    one = Reading(np.full((2, 101), 0.25, np.float32), np.array([[0.2, 0.8]] * 2, np.float32))
    other = Reading(np.full((2, 101), 0.75, np.float32), np.array([[0.4, 0.6]] * 2, np.float32))
    mean = average([one, other])
    assert (mean.age == 0.5).all()
    assert mean.gender == pytest.approx(np.array([[0.3, 0.7]] * 2))
    assert mean.age.dtype == np.float32
    joined = concatenate([one, other])
    assert joined.age.shape == (4, 101)
    assert (joined.gender[2:] == other.gender).all()


def test_the_rest_of_its_row_is_under_a_key_of_its_own() -> None:
    values = Answer("a.jpg", row={"id": 7, "day": date(2024, 1, 2)}).to_dict()
    assert list(values) == ["image", "width", "height", "frames", "error", "faces", "row"]
    assert values["row"] == {"id": 7, "day": "2024-01-02"}
    assert "row" not in Answer("a.jpg").to_dict()


def test_what_the_model_has_not_learnt_is_null_and_the_rest_stays() -> None:
    options = AnswerOptions(at_least=18)
    ageless = face(options).without(["age"])
    assert {name for name, value in ageless.to_dict().items() if value is None} == {
        "refused", "age", "age_interval", "at_least_probability",
    }  # fmt: skip
    assert (ageless.gender, ageless.age_probabilities) == (Gender.FEMALE, None)
    with pytest.raises(ValueError, match="not learnt to answer ages"):
        ageless.probability_at_least(18)
    genderless = face(options).without(["gender"])
    assert (genderless.gender, genderless.gender_probability, genderless.age) == (None, None, 31.44)
    assert face().without([]) == face()


def test_an_answer_tells_how_many_frames_the_file_holds() -> None:
    assert Answer("a.jpg", 9, 9).to_dict()["frames"] == 1
    assert Answer("a.gif", 9, 9, frames=7).to_dict()["frames"] == 7
