from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import agelens
from agelens import ages
from agelens.data.manifest import Manifest, read_manifest
from agelens.errors import ManifestError
from agelens.evaluation import Predictions, evaluate, measure, write_predictions
from agelens.inference.answers import Reading
from agelens.inference.options import AnswerOptions
from agelens.labels import Gender, Sample
from agelens.models.bundle import Bundle
from labelled import predictions_of


def faces(true: list[float | None], answer: list[float], genders: list[Gender | None]) -> Predictions:
    samples = [Sample("f", age=t, gender=g) for t, g in zip(true, genders, strict=True)]
    return predictions_of(samples, answer)


def reading_of(answer: list[float]) -> Reading:
    gender = np.tile(np.array([[0.9, 0.1]], np.float32), (len(answer), 1))
    return Reading(ages.gaussian(answer, 2.0), gender)


def test_each_figure_is_measured_on_the_rows_that_carry_its_label() -> None:
    predictions = faces([30, 40, None, 60], [33, 40, 9, 52], [Gender.MALE, Gender.FEMALE, Gender.MALE, None])
    figures = measure(predictions, reading_of([33, 40, 9, 52]), resamples=50)
    assert figures["mae"].value == pytest.approx((3 + 0 + 8) / 3)
    assert figures["bias"].value == pytest.approx((3 - 8) / 3)
    assert figures["interval_coverage"].value == pytest.approx(2 / 3)
    assert figures["interval_width"].value == pytest.approx(10)
    assert figures["gender_accuracy"].value == pytest.approx(2 / 3)
    from agelens.metrics import competition_score

    assert figures["score"].value == pytest.approx(competition_score([30, 40], [33, 40], [0, 1], [0, 0]))


def test_the_crps_of_a_sure_answer_is_its_absolute_error() -> None:
    sure = np.eye(101, dtype=np.float32)[[33, 40, 52]]
    reading = Reading(sure, np.full((3, 2), 0.5, np.float32))
    figures = measure(faces([30, 40, 60], [33, 40, 52], [None] * 3), reading, resamples=10)
    assert figures["crps"].value == pytest.approx((3 + 0 + 8) / 3)


def test_the_calibration_errors_are_how_far_a_probability_is_from_how_often_it_comes_true() -> None:
    # Each face is said to be 18 or older with 0.8, and male with 0.9; half are, and three of four are.
    age = np.zeros((4000, 101), np.float32)
    age[:, 10], age[:, 30] = 0.2, 0.8
    reading = Reading(age, np.tile(np.array([[0.9, 0.1]], np.float32), (4000, 1)))
    genders: list[Gender | None] = [Gender.MALE, Gender.MALE, Gender.FEMALE, Gender.MALE]
    figures = measure(faces([17.9, 18, 3, 60] * 1000, [26] * 4000, genders * 1000), reading, resamples=10)
    assert figures["adult_calibration_error"].value == pytest.approx(0.3, abs=1e-3)
    assert figures["gender_calibration_error"].value == pytest.approx(0.15, abs=1e-3)


@pytest.mark.parametrize("head", ["age", "gender"])
def test_what_a_model_has_not_learnt_is_left_out(
    head: str, request: pytest.FixtureRequest, synthetic: Path, tmp_path: Path
) -> None:
    bundle: Bundle = request.getfixturevalue(f"{head}s_alone")
    result = evaluate(agelens.load(bundle, "whole"), read_manifest(synthetic).of_split("val"), resamples=5)
    of_age = {"mae", "rmse", "bias", "cs5", "crps", "interval_coverage", "interval_width"}
    of_gender = {"gender_accuracy", "gender_macro_f1", "gender_calibration_error"}
    there, absent = (of_age, of_gender) if head == "age" else (of_gender, of_age)
    assert there <= result.figures.keys()
    assert not (absent | {"score"}) & result.figures.keys()
    measured = result.measured
    assert all((group.mae is None) == (head == "gender") for group in measured.groups)
    assert all((group.gender_accuracy is None) == (head == "age") for group in measured.groups)
    assert bool(measured.age_checks) == bool(measured.coverage) == (head == "age")
    assert {gap.figure for gap in measured.gaps} <= (
        {"mae", "coverage"} if head == "age" else {"gender_accuracy"}
    )
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict()  # no NaN, which is no JSON
    write_predictions(tmp_path / "p.csv", result)
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    empty = {name for name, value in rows[0].items() if not value}
    assert empty == ({"gender", "p_female"} if head == "age" else {"age", "age_low", "age_high"})


def test_labels_of_what_a_model_has_not_learnt_alone_cannot_be_measured(
    ages_alone: Bundle, synthetic: Path
) -> None:
    samples = [replace(sample, age=None) for sample in read_manifest(synthetic).samples[:60]]
    with pytest.raises(ManifestError, match="of what the model answers"):
        evaluate(agelens.load(ages_alone, "whole"), Manifest(tuple(samples), synthetic.parent), resamples=5)


def test_without_genders_there_are_age_figures_only() -> None:
    figures = measure(faces([30, 40], [33, 40], [None, None]), reading_of([33, 40]), resamples=10)
    assert "mae" in figures
    assert not {"score", "gender_accuracy"} & figures.keys()


def test_no_labels_cannot_be_measured() -> None:
    with pytest.raises(ManifestError, match="no image carries a label"):
        measure(faces([None], [3], [None]), reading_of([3]))


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
    assert (result.measured.images, result.measured.without_face, seen) == (2, 1, [3])
    assert [problem.where for problem in result.problems] == ["row 2"]
    report = result.to_dict()
    assert report["unreadable"] == 1
    write_predictions(tmp_path / "p.csv", result)
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert [row["true_gender"] for row in rows] == ["female", "male"]
    assert float(rows[0]["age_low"]) < float(rows[0]["age"]) < float(rows[0]["age_high"])
    with pytest.raises(ManifestError, match="no image could be read"):
        evaluate(agelens.load("embedded", "haar"), Manifest(samples[1:2], tmp_path))


def test_the_conditions_are_recorded_with_the_figures(tiny_bundle: Bundle, synthetic: Path) -> None:
    val = read_manifest(synthetic).of_split("val")
    options = AnswerOptions(level=0.5, point="median", flip=True)
    report = evaluate(agelens.load(tiny_bundle.folder, "haar"), val, options, resamples=5).to_dict()
    assert json.loads(json.dumps(report)) == report
    recorded = {
        key: report[key] for key in ("model", "split", "detector", "flip", "point", "level", "runtime")
    }
    assert recorded == {
        "model": "tiny", "split": "val", "detector": "haar", "flip": True, "point": "median", "level": 0.5,
        "runtime": "onnxruntime",
    }  # fmt: skip


def test_importing_the_evaluation_imports_neither_torch_nor_matplotlib() -> None:
    code = "import sys, agelens.evaluation; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_the_embedded_model_is_as_good_on_real_chips_as_it_says(utkface_val: Manifest) -> None:
    """A loose floor on validation: a wrong crop, colour order or normalisation falls far below it."""
    result = evaluate(agelens.load("embedded", "whole"), utkface_val, resamples=50)
    assert result.figures["score"].value > 0.82
    assert result.figures["mae"].value < 5.6
    flipped = evaluate(agelens.load("embedded", "whole"), utkface_val, AnswerOptions(flip=True), resamples=50)
    assert flipped.figures["mae"].value < result.figures["mae"].value + 0.1
    assert flipped.predictions.age[0] != result.predictions.age[0]
