from __future__ import annotations

from pathlib import Path

import numpy as np

from agelens import ages
from agelens.data.manifest import Manifest
from agelens.data.soft_labels import read_soft_labels, write_soft_labels
from agelens.data.suspects import suspected_by_answers, suspected_labels
from agelens.labels import Gender, Sample


def test_a_swapped_age_and_gender_are_suspected_and_usual_errors_are_not() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(5, 80, 200)
    genders = [Gender.MALE, Gender.FEMALE] * 100
    samples = [
        Sample(f"{n}.jpg", age=float(a), gender=g) for n, (a, g) in enumerate(zip(true, genders, strict=True))
    ]
    answers = ages.gaussian(np.clip(true + rng.normal(0, 3, 200), 0, 100), 5.0)
    female = np.where(np.arange(200) % 2, 0.93, 0.07)
    female += rng.uniform(-0.06, 0.06, 200)
    swapped = (true[3] + 50) % 100
    samples[3] = Sample("3.jpg", age=float(swapped), gender=Gender.MALE)
    female[3] = 0.985
    samples[7] = Sample("7.jpg")  # nothing to suspect
    found = suspected_labels(samples, range(200), answers, np.stack([1 - female, female], axis=1))
    assert {(f.kind, f.rows) for f in found} == {("suspected age", (4,)), ("suspected gender", (4,))}
    assert "labelled male, read as female (98.5%)" in found[-1].detail


def test_only_answered_rows_are_judged_and_named_by_their_place_in_the_manifest() -> None:
    samples = [Sample("a.jpg", age=3), Sample("b.jpg", age=70)]
    (finding,) = suspected_labels(samples, [1], ages.gaussian([20], 3.0), np.array([[0.5, 0.5]]))
    assert (finding.rows, finding.detail) == ((2,), "labelled 70, read as 20 years")


def test_a_sure_answer_a_few_years_away_is_no_suspicion() -> None:
    """A sure answer for a child leaves a label two years off all but impossible; it is an ordinary error."""
    samples = [Sample("near.jpg", age=4), Sample("far.jpg", age=4)]
    answers = ages.gaussian([7, 17], 0.5)
    (finding,) = suspected_labels(samples, [0, 1], answers, np.full((2, 2), 0.5))
    assert (finding.kind, finding.rows) == ("suspected age", (2,))


def test_an_unsure_answer_many_years_away_is_no_suspicion() -> None:
    answers = ages.gaussian([45], 12.0)
    assert suspected_labels([Sample("a.jpg", age=25)], [0], answers, np.full((1, 2), 0.5)) == []


def test_answers_are_held_against_the_rows_that_they_know(tmp_path: Path) -> None:
    manifest = Manifest((Sample("a.jpg", age=3), Sample("b.jpg", age=70), Sample("c.jpg", age=70)), tmp_path)
    images = [tmp_path / name for name in ("c.jpg", "b.jpg", "elsewhere.jpg")]
    write_soft_labels(tmp_path / "t.npz", images, ages.gaussian([70, 20, 20], 3.0), np.full((3, 2), 0.5))
    (finding,), answered = suspected_by_answers(manifest, read_soft_labels(tmp_path / "t.npz"))
    assert (finding.rows, answered) == ((2,), 2)
    unknown = Manifest((Sample("d.jpg", age=3),), tmp_path)
    assert suspected_by_answers(unknown, read_soft_labels(tmp_path / "t.npz")) == ([], 0)
