from __future__ import annotations

from pathlib import Path

import pytest

from agelens.errors import ManifestError
from agelens.evaluation.comparison import compare
from agelens.evaluation.predictions import Predictions
from agelens.labels import Gender, Sample
from labelled import predictions_of


def predictions() -> Predictions:
    samples = [Sample(f"folder/{n}.jpg", age=20 + n, gender=Gender.FEMALE) for n in range(40)]
    return predictions_of(samples, [21.0 + n for n in range(40)], male=0.1)


def test_both_are_measured_on_the_faces_that_both_answered(tmp_path: Path) -> None:
    rows = [f"{n}.jpg,{20 + n + 4},{'1' if n % 2 else 'male'}" for n in range(30)] + ["other.jpg,3,0"]
    (tmp_path / "p.csv").write_text("file,age,gender\n" + "\n".join(rows) + "\n")
    found = compare("theirs", tmp_path / "p.csv", predictions(), resamples=50)
    assert (found.name, found.images) == ("theirs", 30)
    assert found.ours["mae"] == pytest.approx(1)
    assert found.theirs["mae"] == pytest.approx(4)
    assert found.theirs["gender_accuracy"] == pytest.approx(0.5)
    difference = found.differences["mae"]
    assert (difference.value, difference.low, difference.high) == pytest.approx((-3, -3, -3))  # paired


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,age\n1.jpg,3\n", "columns file"),
        ("file,age,gender\n1.jpg,old,0\n", "row 1"),
        ("file,age,gender\n1.jpg,3,2\n", "row 1"),
        ("file,age,gender\nother.jpg,3,1\n", "answers none"),
    ],
)
def test_a_table_that_cannot_be_compared_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ManifestError, match=message):
        compare("theirs", tmp_path / "p.csv", predictions())
