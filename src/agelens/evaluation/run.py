"""Evaluate a bundle on one split of a manifest: every figure with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agelens import ages, conformal, metrics
from agelens.data.manifest import Manifest
from agelens.data.problems import Problem
from agelens.errors import ManifestError
from agelens.evaluation.age_checks import age_checks
from agelens.evaluation.coverage import coverage_by_band
from agelens.evaluation.gaps import gaps, left_out
from agelens.evaluation.groups import group_errors
from agelens.evaluation.predictions import Predictions
from agelens.evaluation.risk_coverage import refusals, risk_coverage
from agelens.files import write_csv
from agelens.inference.answers import Reading
from agelens.inference.batch import read_each
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.labels import GENDERS
from agelens.models.measurement import Measurement
from agelens.models.spec import HEADS, Calibration

#: Figures by key: each takes the numbers of the rows that it is measured on.
Figures = dict[str, Callable[[NDArray[np.intp]], float]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, and the single answers that it was measured on.

    Attributes:
        measured: the figures and the conditions, as a bundle records them.
        predictions: what was answered, beside the labels.
        reading: the distributions, in the order of ``predictions``.
        problems: images that could not be read, by row of the manifest.
    """

    measured: Measurement
    predictions: Predictions
    reading: Reading
    problems: tuple[Problem, ...]

    @property
    def figures(self) -> dict[str, metrics.Estimate]:
        """The main figures, by key; see ``agelens.figures``."""
        return self.measured.figures

    def to_dict(self) -> dict[str, Any]:
        """What was measured as plain JSON values, without the single predictions."""
        return self.measured.model_dump(mode="json")


def evaluate(
    predictor: Predictor,
    manifest: Manifest,
    options: AnswerOptions = AnswerOptions(),
    *,
    resamples: int = 1000,
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Read every image of a manifest and measure the answers.

    An image in which the detector finds no face is read whole and counted: leaving it out would flatter.

    Unreadable images are reported and left out. Of the options, the level of the age intervals, the point
    estimate and the mirror images count; the others change no figure.

    Raises:
        ManifestError: nothing can be measured: no image readable, or none labelled.
    """
    paths = [manifest.path(sample) for sample in manifest.samples]
    batch = read_each(predictor, paths, flip=options.flip, progress=progress)
    problems = tuple(Problem(f"row {row + 1}", error) for row, error in batch.errors.items())
    if not batch.rows:
        raise ManifestError("no image could be read: " + "; ".join(str(problem) for problem in problems[:3]))
    reading, calibration = batch.reading, predictor.bundle.spec.calibration
    heads = predictor.bundle.spec.heads
    of_age, of_gender = (1.0 if head in heads else np.nan for head in HEADS)  # not learnt, not answered
    predictions = Predictions(
        samples=tuple(manifest.samples[row] for row in batch.rows),
        age=of_age * ages.point(reading.age, options.point),
        interval=of_age * conformal.interval(reading.age, options.level, calibration.age_intervals),
        male=of_gender * reading.gender[:, 0].astype(np.float64),
        quality=batch.quality,
        eyes=batch.eyes,
    )
    figures = measure(predictions, reading, resamples)
    figures |= _uncalibrated(predictions, reading, calibration, options.level, resamples)
    exact = predictions.exact
    measured = Measurement(
        model=predictor.bundle.spec.name,
        split=" and ".join(sorted({sample.split for sample in manifest.samples})),
        detector=predictor.detector.name,
        flip=options.flip,
        point=options.point,
        level=options.level,
        runtime=predictor.runtime,
        images=len(predictions),
        without_face=batch.without_face,
        unreadable=len(problems),
        figures=figures,
        groups=group_errors(predictions, resamples),
        gaps=gaps(predictions, resamples),
        left_out=left_out(predictions),
        risk_coverage=risk_coverage(predictions, resamples),
        refusals=refusals(predictions),
        coverage=coverage_by_band(reading.age[exact], predictions.true_age[exact], calibration.age_intervals),
        age_checks=age_checks(predictions),
    )
    return Evaluation(measured, predictions, reading, problems)


def named_by_data_set(result: Evaluation) -> Evaluation:
    """The same, told apart from those of other data sets: its split is called ``appa-real val``, say."""
    sources = sorted({sample.source for sample in result.predictions.samples} - {""})
    name = " ".join([" + ".join(sources) or "unnamed", result.measured.split])
    return replace(result, measured=result.measured.model_copy(update={"split": name}))


def measure(predictions: Predictions, reading: Reading, resamples: int = 1000) -> dict[str, metrics.Estimate]:
    """All figures that the labels allow; ages and genders are measured on the rows that carry them.

    The competition score is measured on rows with both. An interval label counts by its middle.

    Raises:
        ManifestError: no row carries a label.
    """
    true_age, answer, intervals = predictions.true_age, predictions.age, predictions.interval
    true_gender, gender, male = predictions.true_gender, predictions.gender, reading.gender[:, 0]
    crps = ages.crps(reading.age, np.nan_to_num(true_age))
    adult, of_age = true_age >= ages.ADULT, ages.survival(reading.age, ages.ADULT)
    with_age, with_gender = predictions.with_age, predictions.with_gender
    if not (with_age | with_gender).any():
        raise ManifestError("no image carries a label to measure against, of what the model answers")
    both: Figures = {
        "score": lambda i: metrics.competition_score(true_age[i], answer[i], true_gender[i], gender[i])
    }
    age: Figures = {
        "mae": lambda i: metrics.mae(true_age[i], answer[i]),
        "rmse": lambda i: metrics.rmse(true_age[i], answer[i]),
        "bias": lambda i: metrics.bias(true_age[i], answer[i]),
        "cs5": lambda i: metrics.cumulative_score(true_age[i], answer[i]),
        "crps": lambda i: float(crps[i].mean()),
        "interval_coverage": lambda i: metrics.coverage(true_age[i], intervals[i]),
        "interval_width": lambda i: metrics.interval_width(intervals[i]),
        "adult_calibration_error": lambda i: metrics.calibration_error(adult[i], of_age[i], i),
    }
    genders: Figures = {
        "gender_calibration_error": lambda i: metrics.calibration_error(true_gender[i] == 0, male[i], i),
        "gender_accuracy": lambda i: metrics.accuracy(true_gender[i], gender[i]),
        "gender_macro_f1": lambda i: metrics.macro_f1(true_gender[i], gender[i]),
    }
    return {
        **_on(with_age & with_gender, both, resamples),
        **_on(with_age, age, resamples),
        **_on(with_gender, genders, resamples),
    }


def _uncalibrated(
    predictions: Predictions, reading: Reading, calibration: Calibration, level: float, resamples: int
) -> dict[str, metrics.Estimate]:
    """What the network's own intervals would be, had nothing been fitted."""
    if calibration.age_intervals is None:
        return {}
    # Undo softmax(logits / T + offsets): logits = T * (log p - offsets).
    temperature, offsets = calibration.age_temperature, np.asarray(calibration.age_offsets)
    bounds = ages.interval(ages.retempered(reading.age, 1 / temperature, -temperature * offsets), level)
    true = predictions.true_age
    figures: Figures = {
        "uncalibrated_coverage": lambda i: metrics.coverage(true[i], bounds[i]),
        "uncalibrated_width": lambda i: metrics.interval_width(bounds[i]),
    }
    return _on(predictions.with_age, figures, resamples)


def _on(labelled: NDArray[np.bool_], figures: Figures, resamples: int) -> dict[str, metrics.Estimate]:
    """Figures on the labelled rows alone; none where there are none."""
    rows = np.flatnonzero(labelled)
    on_rows = {key: (lambda drawn, figure=figure: figure(rows[drawn])) for key, figure in figures.items()}
    return metrics.bootstrap(on_rows, rows.size, resamples) if rows.size else {}


def write_predictions(path: Path, evaluation: Evaluation) -> None:
    """Write what was answered for each image, beside its labels, as CSV; empty where nothing was."""
    p = evaluation.predictions
    years = ("true_age", "age", "age_low", "age_high")
    rows = (
        [
            sample.image,
            "" if sample.point_age is None else f"{sample.point_age:g}",
            *(_written(age, ".2f") for age in (p.age[row], *p.interval[row])),
            sample.gender or "",
            "" if np.isnan(p.male[row]) else GENDERS[p.gender[row]],
            _written(1 - p.male[row], ".4f"),
            f"{p.quality[row]:.3f}",
        ]
        for row, sample in enumerate(p.samples)
    )
    write_csv(path, ("image", *years, "true_gender", "gender", "p_female", "quality"), rows)


def _written(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)
