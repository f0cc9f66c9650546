from __future__ import annotations

import pytest

from agelens.evaluation.predictions import Predictions
from agelens.evaluation.risk_coverage import refusals, risk_coverage
from agelens.labels import Gender, Sample
from agelens.models.measurement import REFUSAL_THRESHOLDS
from labelled import predictions_of


def faces(count: int) -> Predictions:
    """The less quality, the larger the error."""
    return predictions_of(
        [Sample("f", age=30, gender=Gender.MALE)] * count,
        [30 + n / 10 for n in range(count)],
        quality=[1 - n / count for n in range(count)],
    )


def test_refusing_the_least_sure_leaves_a_smaller_error() -> None:
    rows = risk_coverage(faces(100))
    assert [round(row.answered, 2) for row in rows] == [1.0, 0.96, 0.91, 0.81, 0.71, 0.51]
    errors = [row.mae.value for row in rows if row.mae is not None]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(4.95)  # of 0.0, 0.1, … 9.9
    for row in rows:
        assert (faces(100).quality >= row.threshold).sum() == round(100 * row.answered)


def test_few_faces_show_nothing() -> None:
    assert risk_coverage(faces(49)) == ()


def test_who_is_refused_is_told_by_age_gender_and_group() -> None:
    young = [Sample("f", age=5, gender=Gender.MALE, group="a")] * 10
    old = [Sample("f", age=80, gender=Gender.FEMALE, group="b")] * 30
    quality = [0.9] * 10 + [0.01] * 3 + [0.07] * 3 + [0.15] * 9 + [0.6] * 15
    found = {
        (one.by, one.name): one for one in refusals(predictions_of(young + old, [30] * 40, quality=quality))
    }
    assert REFUSAL_THRESHOLDS == (0.05, 0.1, 0.2, 0.5)
    assert found["all", "all"].refused == pytest.approx((3 / 40, 6 / 40, 15 / 40, 15 / 40))
    for key in (("age", "71–100"), ("gender", "female"), ("group", "b")):
        assert (found[key].images, found[key].refused) == (30, pytest.approx((0.1, 0.2, 0.5, 0.5)))
    assert found["age", "3–10"].refused == (0, 0, 0, 0)
    assert not any("×" in by for by, _ in found)
