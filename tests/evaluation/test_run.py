from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import agelens
from agelens import ages
from agelens.data.manifest import Manifest
from agelens.errors import ManifestError
from agelens.evaluation.groups import Prediction
from agelens.evaluation.run import evaluate, measure, write_predictions
from agelens.inference.answers import Reading
from agelens.labels import Gender, Sample


def predictions_of(
    true: list[float | None], answer: list[float], genders: list[Gender | None]
) -> list[Prediction]:
    return [
        Prediction(Sample(f"{n}", age=t, gender=g), a, (a - 5, a + 5), 0.9)
        for n, (t, a, g) in enumerate(zip(true, answer, genders, strict=True))
    ]


def reading_of(answer: list[float]) -> Reading:
    gender = np.tile(np.array([[0.9, 0.1]], np.float32), (len(answer), 1))
    return Reading(ages.gaussian(answer, 2.0), gender)


def test_each_figure_is_measured_on_the_rows_that_carry_its_label() -> None:
    predictions = predictions_of(
        [30, 40, None, 60], [33, 40, 9, 52], [Gender.MALE, Gender.FEMALE, Gender.MALE, None]
    )
    figures = measure(predictions, reading_of([33, 40, 9, 52]), resamples=50)
    assert figures["mae"].value == pytest.approx((3 + 0 + 8) / 3)
    assert figures["bias"].value == pytest.approx((3 - 8) / 3)
    assert figures["interval_coverage"].value == pytest.approx(2 / 3)
    assert figures["interval_width"].value == pytest.approx(10)
    assert figures["gender_accuracy"].value == pytest.approx(2 / 3)
    from agelens.metrics import competition_score

    assert figures["score"].value == pytest.approx(competition_score([30, 40], [33, 40], [0, 1], [0, 0]))


def test_without_genders_there_are_age_figures_only() -> None:
    figures = measure(predictions_of([30, 40], [33, 40], [None, None]), reading_of([33, 40]), resamples=10)
    assert "mae" in figures
    assert not {"score", "gender_accuracy"} & figures.keys()


def test_no_labels_cannot_be_measured() -> None:
    with pytest.raises(ManifestError, match="no image carries a label"):
        measure(predictions_of([None], [3], [None]), reading_of([3]))


def test_unreadable_images_are_reported_and_faceless_ones_counted(tmp_path: Path, astronaut: Path) -> None:
    Image.new("RGB", (90, 90), "grey").save(tmp_path / "grey.png")
    (tmp_path / "bad.jpg").write_bytes(b"nonsense")
    samples = (
        Sample(str(astronaut), age=36, gender=Gender.FEMALE),
        Sample("bad.jpg", age=3),
        Sample("grey.png", age=30, gender=Gender.MALE),
    )
    seen: list[int] = []
    result = evaluate(
        agelens.load("embedded", "haar"), Manifest(samples, tmp_path), progress=seen.append, resamples=10
    )
    assert (result.images, result.without_face, seen) == (2, 1, [3])
    assert [problem.where for problem in result.problems] == ["row 2"]
    report = result.to_dict()
    assert report["unreadable"] == 1
    write_predictions(tmp_path / "p.csv", result)
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert [row["true_gender"] for row in rows] == ["female", "male"]
    assert float(rows[0]["age_low"]) < float(rows[0]["age"]) < float(rows[0]["age_high"])
    with pytest.raises(ManifestError, match="no image could be read"):
        evaluate(agelens.load("embedded", "haar"), Manifest(samples[1:2], tmp_path))


def test_the_embedded_model_is_as_good_on_real_chips_as_it_says(utkface_val: Manifest) -> None:
    """A loose floor on validation: a wrong crop, colour order or normalisation falls far below it."""
    result = evaluate(agelens.load("embedded", "whole"), utkface_val, resamples=50)
    assert result.figures["score"].value > 0.82
    assert result.figures["mae"].value < 5.6
    flipped = evaluate(agelens.load("embedded", "whole"), utkface_val, flip=True, resamples=50)
    assert flipped.figures["mae"].value < result.figures["mae"].value + 0.1
    assert flipped.predictions[0].age != result.predictions[0].age
