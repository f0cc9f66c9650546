from __future__ import annotations

import pytest

from agelens.evaluation.predictions import Predictions
from agelens.evaluation.risk_coverage import risk_coverage
from agelens.labels import Gender, Sample
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
