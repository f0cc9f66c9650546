"""Evaluate a bundle on one split of a manifest: every figure with a bootstrap interval."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agelens import ages, metrics
from agelens.data.manifest import Manifest
from agelens.data.problems import Problem
from agelens.errors import ManifestError
from agelens.evaluation.age_checks import AgeCheck, age_checks
from agelens.evaluation.coverage import Coverage, coverage_by_band
from agelens.evaluation.gaps import Gap, gaps
from agelens.evaluation.groups import GroupError, Prediction, group_errors
from agelens.evaluation.refusing import Refusing, refusing
from agelens.files import written_whole
from agelens.inference.answers import Reading
from agelens.inference.batch import read_each
from agelens.inference.options import LEVEL
from agelens.inference.predictor import Predictor
from agelens.labels import GENDERS
from agelens.models.bundle import Calibration

#: The columns of single predictions.
_PREDICTED = (
    "image", "true_age", "age", "age_low", "age_high", "true_gender", "gender", "p_female", "quality",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures with their intervals, by name, and what they were measured on."""

    images: int
    without_face: int
    figures: dict[str, metrics.Estimate]
    groups: tuple[GroupError, ...]
    gaps: tuple[Gap, ...]
    refusing: tuple[Refusing, ...]
    coverage: tuple[Coverage, ...]
    age_checks: tuple[AgeCheck, ...]
    predictions: tuple[Prediction, ...]
    reading: Reading
    problems: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain JSON values, without the single predictions."""
        return {
            "images": self.images,
            "without_face": self.without_face,
            "unreadable": len(self.problems),
            "figures": {name: asdict(estimate) for name, estimate in self.figures.items()},
            "groups": [asdict(group) for group in self.groups],
            "gaps": [asdict(gap) for gap in self.gaps],
            "refusing": [asdict(row) for row in self.refusing],
            "coverage": [asdict(band) for band in self.coverage],
            "age_checks": [asdict(check) for check in self.age_checks],
        }


def evaluate(
    predictor: Predictor,
    manifest: Manifest,
    *,
    flip: bool = False,
    point: ages.PointEstimate = "mean",
    level: float = LEVEL,
    resamples: int = 1000,
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Read every image of a manifest and measure the answers.

    An image in which the detector finds no face is read whole and counted: leaving it out would flatter.

    Args:
        predictor: the model and how it finds faces.
        manifest: labelled images; unreadable ones are reported and left out.
        flip: average each face's answer with its mirror image's.
        point: which age of the distribution is the answer.
        level: of the age intervals whose coverage is measured.
        resamples: of the bootstrap.
        progress: told how many images are done.

    Raises:
        ManifestError: nothing can be measured: no image readable, or none labelled.
    """
    paths = [manifest.path(sample) for sample in manifest.samples]
    batch = read_each(predictor, paths, flip=flip, progress=progress)
    problems = tuple(Problem(f"row {row + 1}", error) for row, error in batch.errors.items())
    if not batch.rows:
        raise ManifestError("no image could be read: " + "; ".join(str(problem) for problem in problems[:3]))
    kept, reading = [manifest.samples[row] for row in batch.rows], batch.reading
    intervals = predictor.intervals(reading, level)
    answer = ages.point(reading.age, point)
    predictions = tuple(
        Prediction(
            sample,
            float(answer[row]),
            (float(low), float(high)),
            float(reading.gender[row, 0]),
            float(batch.quality[row]),
        )
        for row, (sample, (low, high)) in enumerate(zip(kept, intervals, strict=True))
    )
    figures = measure(predictions, reading, level, resamples)
    figures |= _uncalibrated(predictions, reading, predictor.bundle.spec.calibration, level, resamples)
    exact = np.array([sample.age is not None for sample in kept])
    coverage = coverage_by_band(
        reading.age[exact],
        [sample.age for sample in kept if sample.age is not None],
        predictor.bundle.spec.calibration.age_intervals,
    )
    return Evaluation(
        images=len(kept),
        without_face=batch.without_face,
        figures=figures,
        groups=group_errors(predictions),
        gaps=gaps(predictions, resamples),
        refusing=refusing(predictions, resamples),
        coverage=coverage,
        age_checks=age_checks(predictions),
        predictions=predictions,
        reading=reading,
        problems=problems,
    )


def measure(
    predictions: Sequence[Prediction], reading: Reading, level: float = LEVEL, resamples: int = 1000
) -> dict[str, metrics.Estimate]:
    """All figures that the labels allow; ages and genders are measured on the rows that carry them.

    The competition score is measured on rows with both. An interval label counts by its middle.

    Raises:
        ManifestError: no row carries a label.
    """
    true_age = np.array([np.nan if p.sample.point_age is None else p.sample.point_age for p in predictions])
    true_gender = np.array([-1 if p.sample.gender is None else p.sample.gender.position for p in predictions])
    answer = np.array([p.age for p in predictions])
    gender = np.array([p.gender_index for p in predictions])
    intervals = np.array([p.interval for p in predictions])
    crps = ages.crps(reading.age, np.nan_to_num(true_age))
    figures: dict[str, metrics.Estimate] = {}

    def add(rows: NDArray[np.intp], named: dict[str, Callable[[NDArray[np.intp]], float]]) -> None:
        if rows.size:
            on_rows = {name: (lambda drawn, f=f: f(rows[drawn])) for name, f in named.items()}
            figures.update(metrics.bootstrap(on_rows, len(rows), resamples))

    with_age, with_gender = ~np.isnan(true_age), true_gender >= 0
    if not (with_age | with_gender).any():
        raise ManifestError("no image carries a label to measure against")
    add(
        np.flatnonzero(with_age & with_gender),
        {"score": lambda i: metrics.competition_score(true_age[i], answer[i], true_gender[i], gender[i])},
    )
    add(
        np.flatnonzero(with_age),
        {
            "mae": lambda i: metrics.mae(true_age[i], answer[i]),
            "rmse": lambda i: metrics.rmse(true_age[i], answer[i]),
            "bias": lambda i: metrics.bias(true_age[i], answer[i]),
            "cs5": lambda i: metrics.cumulative_score(true_age[i], answer[i]),
            "crps": lambda i: float(crps[i].mean()),
            "interval_coverage": lambda i: metrics.coverage(true_age[i], intervals[i]),
            "interval_width": lambda i: metrics.interval_width(intervals[i]),
        },
    )
    adult = true_age >= ages.ADULT
    of_age = ages.survival(reading.age, ages.ADULT)
    add(
        np.flatnonzero(with_age),
        {"adult_calibration_error": lambda i: metrics.calibration_error(adult[i], of_age[i])},
    )
    male = reading.gender[:, 0]
    add(
        np.flatnonzero(with_gender),
        {
            "gender_calibration_error": lambda i: metrics.calibration_error(true_gender[i] == 0, male[i]),
            "gender_accuracy": lambda i: metrics.accuracy(true_gender[i], gender[i]),
            "gender_macro_f1": lambda i: metrics.macro_f1(true_gender[i], gender[i]),
        },
    )
    return figures


def _uncalibrated(
    predictions: Sequence[Prediction],
    reading: Reading,
    calibration: Calibration,
    level: float,
    resamples: int,
) -> dict[str, metrics.Estimate]:
    """What the network's own intervals would be, had nothing been fitted."""
    rows = [row for row, p in enumerate(predictions) if p.sample.point_age is not None]
    if not rows or calibration.age_intervals is None:
        return {}
    true = np.array([predictions[row].sample.point_age for row in rows])
    # Undo softmax(logits / T + offsets): logits = T * (log p - offsets).
    temperature, offsets = calibration.age_temperature, np.asarray(calibration.age_offsets)
    bare = ages.retempered(reading.age[rows], 1 / temperature, -temperature * offsets)
    bounds = ages.interval(bare, level)
    return metrics.bootstrap(
        {
            "uncalibrated_coverage": lambda i: metrics.coverage(true[i], bounds[i]),
            "uncalibrated_width": lambda i: metrics.interval_width(bounds[i]),
        },
        len(rows),
        resamples,
    )


def write_predictions(path: Path, evaluation: Evaluation) -> None:
    """Write what was answered for each image, beside its labels, as CSV."""
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_PREDICTED)
        for p in evaluation.predictions:
            true_age = "" if p.sample.point_age is None else f"{p.sample.point_age:g}"
            numbers = [f"{value:.2f}" for value in (p.age, *p.interval)]
            gender = str(GENDERS[p.gender_index])
            writer.writerow(
                [
                    p.sample.image, true_age, *numbers, p.sample.gender or "", gender,
                    f"{1 - p.male:.4f}", f"{p.quality:.3f}",
                ]
            )  # fmt: skip
