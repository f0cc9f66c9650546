from __future__ import annotations

import pytest
from scipy.stats import binomtest

from agelens.evaluation.age_checks import age_checks, wilson
from agelens.evaluation.groups import Prediction
from agelens.labels import Gender, Sample


def faces(*pairs: tuple[float, float]) -> list[Prediction]:
    return [Prediction(Sample("f.jpg", age=true), answer, (0, 100), 0.5) for true, answer in pairs]


def test_minors_who_pass_and_adults_turned_away_are_counted() -> None:
    checks = age_checks(faces((15, 19), (16, 22), (17, 30), (17.9, 10), (30, 20), (40, 41)))
    found = {(check.threshold, check.challenge): check for check in checks}
    assert {check.among for check in checks} == {"all"}
    at_18 = found[18, 18]
    assert (at_18.minors, at_18.passed, at_18.turned_away) == (4, 0.75, 0)
    assert found[18, 21].passed == 0.5
    assert found[18, 21].turned_away == 0.5
    assert found[18, 28].passed == 0.25
    assert {threshold for threshold, _ in found} == {16, 18, 21}  # nobody is under 13


def test_checks_are_measured_by_gender_and_group_too() -> None:
    labels = {"gender": Gender.FEMALE, "group": "b"}
    labelled = [Prediction(Sample("f.jpg", age=15, **labels), 19, (0, 100), 0.5)]  # type: ignore[arg-type]
    checks = {c.among: c for c in age_checks(labelled + faces((16, 10))) if c.challenge == c.threshold == 18}
    assert {among: (check.minors, check.passed) for among, check in checks.items()} == {
        "all": (2, 0.5),
        "female": (1, 1.0),
        "b": (1, 1.0),
    }


@pytest.mark.parametrize(("hits", "trials"), [(0, 50), (3, 50), (49, 50), (50, 50)])
def test_the_interval_is_scipys_wilson(hits: int, trials: int) -> None:
    theirs = binomtest(hits, trials).proportion_ci(method="wilson")
    assert wilson(hits, trials) == pytest.approx((theirs.low, theirs.high), abs=1e-4)
