from __future__ import annotations

import pytest
from scipy.stats import binomtest

from agelens.evaluation.age_checks import age_checks, wilson
from agelens.evaluation.predictions import Predictions
from agelens.labels import Gender, Sample
from labelled import predictions_of


def faces(*pairs: tuple[float, float]) -> Predictions:
    return predictions_of([Sample("f.jpg", age=true) for true, _ in pairs], [answer for _, answer in pairs])


def test_minors_who_pass_and_adults_turned_away_are_counted() -> None:
    checks = age_checks(faces((15, 19), (16, 22), (17, 30), (17.9, 10), (30, 20), (40, 41)))
    found = {(check.threshold, check.challenge): check for check in checks}
    assert {check.among for check in checks} == {"all"}
    at_18 = found[18, 18]
    assert (at_18.minors, at_18.passed, at_18.turned_away) == (4, 0.75, 0)
    assert found[18, 21].passed == 0.5
    assert found[18, 21].turned_away == 0.5
    assert found[18, 28].passed == 0.25
    assert {threshold for threshold, _ in found} == {16, 18, 21, 25}  # nobody is under 13


def test_checks_are_measured_by_gender_and_group_too() -> None:
    labels = {"gender": Gender.FEMALE, "group": "b"}
    samples = [Sample("f.jpg", age=15, **labels), Sample("g.jpg", age=16)]  # type: ignore[arg-type]
    found = age_checks(predictions_of(samples, [19, 10]))
    checks = {check.among: check for check in found if check.challenge == check.threshold == 18}
    assert {among: (check.minors, check.passed) for among, check in checks.items()} == {
        "all": (2, 0.5),
        "female": (1, 1.0),
        "b": (1, 1.0),
    }


def test_a_predicted_age_equal_to_the_challenge_age_passes_and_one_equal_to_the_threshold_is_of_age() -> None:
    checks = age_checks(faces((17, 18.0), (18.0, 21.0), (17, 20.99)))
    found = {check.challenge: check for check in checks if check.threshold == 18}
    assert found[18].minors == 2
    assert (found[18].passed, found[21].passed) == (1.0, 0.0)
    assert (found[21].turned_away, found[23].turned_away) == (0.0, 1.0)


def test_an_age_known_as_an_interval_is_no_ones_exact_age() -> None:
    assert age_checks(predictions_of([Sample("f.jpg", age_low=10, age_high=12)], [19])) == ()


@pytest.mark.parametrize(("hits", "trials"), [(0, 50), (3, 50), (49, 50), (50, 50)])
def test_the_interval_is_scipys_wilson(hits: int, trials: int) -> None:
    theirs = binomtest(hits, trials).proportion_ci(method="wilson")
    assert wilson(hits, trials) == pytest.approx((theirs.low, theirs.high), abs=1e-4)


def test_a_check_says_how_sure_its_share_is_and_nothing_of_nobody() -> None:
    checks = age_checks(faces((15, 19), (16, 22), (17, 30), (17.9, 10)))
    found = {check.challenge: check for check in checks if check.threshold == 18}
    assert found[21].interval == wilson(2, 4)
    assert all(check.turned_away is None for check in found.values())
    (at_18,) = [
        check
        for check in age_checks(faces((15, 19), (30, 17), (40, 41)))
        if check.threshold == check.challenge == 18
    ]
    assert (at_18.of_age, at_18.turned_away, at_18.turned_away_interval) == (2, 0.5, wilson(1, 2))
