from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from agelens.ages import ADULT
from agelens.evaluation.age_checks import age_checks, wilson
from agelens.evaluation.predictions import Predictions
from agelens.evaluation.roc import roc_curves
from agelens.labels import Sample
from agelens.metrics import Estimate
from labelled import predictions_of


def faces(count: int, seed: int = 0) -> Predictions:
    """Faces of any age, answered with an error, in whole years so that answers tie."""
    rng = np.random.default_rng(seed)
    true = rng.integers(1, 60, count)
    answers = np.clip(np.round(true + rng.normal(0, 5, count)), 0, 100)
    return predictions_of([Sample("f.jpg", age=float(age)) for age in true], answers.tolist())


def test_the_area_is_scikit_learns() -> None:
    predictions = faces(300)
    for curve in roc_curves(predictions):
        of_age = predictions.true_age >= curve.threshold
        assert curve.area.value == pytest.approx(roc_auc_score(of_age, predictions.age))
        assert (curve.minors, curve.of_age) == ((~of_age).sum(), of_age.sum())
        area = np.trapezoid(curve.admitted, curve.passed)
        assert area == pytest.approx(curve.area.value)


def test_the_interval_of_the_area_holds_that_of_many_faces_about_as_often_as_it_says() -> None:
    def adults(count: int, seed: int):
        return next(one for one in roc_curves(faces(count, seed)) if one.threshold == ADULT)

    truth = adults(40_000, 99).area.value
    areas = [adults(150, seed).area for seed in range(200)]
    held = np.mean([one.low <= truth <= one.high for one in areas])
    assert 0.9 < held < 0.99


def test_the_points_of_the_age_checks_lie_on_the_curve() -> None:
    predictions = faces(200)
    curves = {curve.threshold: curve for curve in roc_curves(predictions)}
    for check in age_checks(predictions):
        curve = curves[check.threshold]
        points = zip(curve.passed, curve.admitted, strict=True)
        assert any(
            passed == pytest.approx(check.passed) and admitted == pytest.approx(1 - check.turned_away)
            for passed, admitted in points
        )


def test_few_faces_are_marked_and_one_tells_nothing() -> None:
    few = predictions_of([Sample("a.jpg", age=10), Sample("b.jpg", age=30)], [12, 28])
    assert [(one.threshold, one.small) for one in roc_curves(few)] == [
        (13, True), (16, True), (18, True), (21, True), (25, True),
    ]  # fmt: skip
    assert roc_curves(few)[0].area == Estimate(1.0, *wilson(1, 1))
    grown_up = predictions_of([Sample("a.jpg", age=40)], [40])
    assert roc_curves(grown_up) == ()
    assert not roc_curves(faces(400))[2].small
