"""Evaluate a bundle on one split of a manifest: every figure with a bootstrap interval."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agelens import ages, metrics
from agelens.data.manifest import Manifest
from agelens.data.readers.report import Problem
from agelens.errors import ImageError, ManifestError
from agelens.files import written_whole
from agelens.images import Pixels
from agelens.labels import GENDERS, Sample
from agelens.predictor import LEVEL, Predictor, Reading

#: Lower ends of the bands of true age that errors are reported by, in years.
BANDS = (0, 3, 11, 21, 31, 41, 51, 61, 71)

#: Images in memory at once.
_WINDOW = 512


@dataclass(frozen=True, slots=True)
class AgeBand:
    """The error on faces whose true age lies in a band; years."""

    ages: str
    images: int
    mae: float
    bias: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was answered for one labelled image; years and probabilities."""

    sample: Sample
    age: float
    interval: tuple[float, float]
    male: float

    @property
    def gender_index(self) -> int:
        """0 male, 1 female."""
        return int(self.male < 0.5)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures with their intervals, by name, and what they were measured on."""

    images: int
    without_face: int
    figures: dict[str, metrics.Estimate]
    by_age: tuple[AgeBand, ...]
    predictions: tuple[Prediction, ...]
    problems: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain JSON values, without the single predictions."""
        return {
            "images": self.images,
            "without_face": self.without_face,
            "unreadable": len(self.problems),
            "figures": {name: asdict(estimate) for name, estimate in self.figures.items()},
            "by_age": [asdict(band) for band in self.by_age],
        }


def evaluate(
    predictor: Predictor,
    manifest: Manifest,
    *,
    flip: bool = False,
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
        level: of the age intervals whose coverage is measured.
        resamples: of the bootstrap.
        progress: told how many images are done.

    Raises:
        ManifestError: nothing can be measured: no image readable, or none labelled.
    """
    kept: list[Sample] = []
    problems: list[Problem] = []
    readings: list[Reading] = []
    without_face = 0
    done = 0
    for window in _windows(predictor, manifest):
        crops: list[Pixels] = []
        for row, sample, crop, found in window:
            done += 1
            if isinstance(crop, str):
                problems.append(Problem(f"row {row}", crop))
                continue
            without_face += not found
            kept.append(sample)
            crops.append(crop)
        readings.append(_read(predictor, crops, flip))
        progress(done)
    if not kept:
        raise ManifestError("no image could be read: " + "; ".join(str(problem) for problem in problems[:3]))
    reading = Reading(
        np.concatenate([part.age for part in readings]), np.concatenate([part.gender for part in readings])
    )
    intervals = ages.interval(reading.age, level)
    answer = ages.expectation(reading.age)
    predictions = tuple(
        Prediction(sample, float(answer[row]), (float(low), float(high)), float(reading.gender[row, 0]))
        for row, (sample, (low, high)) in enumerate(zip(kept, intervals, strict=True))
    )
    figures = measure(predictions, reading, level, resamples)
    return Evaluation(len(kept), without_face, figures, by_age(predictions), predictions, tuple(problems))


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
    add(
        np.flatnonzero(with_gender),
        {
            "gender_accuracy": lambda i: metrics.accuracy(true_gender[i], gender[i]),
            "gender_macro_f1": lambda i: metrics.macro_f1(true_gender[i], gender[i]),
        },
    )
    return figures


def by_age(predictions: Sequence[Prediction]) -> tuple[AgeBand, ...]:
    """MAE and bias in bands of the true age, since one mean hides children and old people."""
    pairs = [(p.sample.point_age, p.age) for p in predictions if p.sample.point_age is not None]
    true, answer = (
        np.array(column, dtype=np.float64) for column in (zip(*pairs, strict=True) if pairs else ((), ()))
    )
    bands = []
    for low, following in zip(BANDS, (*BANDS[1:], 101), strict=True):
        inside = (true >= low) & (true < following)
        if inside.any():
            name = f"{low}–{following - 1}"
            bands.append(
                AgeBand(
                    name,
                    int(inside.sum()),
                    metrics.mae(true[inside], answer[inside]),
                    metrics.bias(true[inside], answer[inside]),
                )
            )
    return tuple(bands)


def write_predictions(path: Path, evaluation: Evaluation) -> None:
    """Write what was answered for each image, beside its labels, as CSV."""
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["image", "true_age", "age", "age_low", "age_high", "true_gender", "gender", "p_female"]
        )
        for p in evaluation.predictions:
            true_age = "" if p.sample.point_age is None else f"{p.sample.point_age:g}"
            numbers = [f"{value:.2f}" for value in (p.age, *p.interval)]
            gender = str(GENDERS[p.gender_index])
            writer.writerow(
                [p.sample.image, true_age, *numbers, p.sample.gender or "", gender, f"{1 - p.male:.4f}"]
            )


def _windows(
    predictor: Predictor, manifest: Manifest
) -> Iterator[list[tuple[int, Sample, Pixels | str, bool]]]:
    """Rows with their aligned face (or the reason there is none) and whether a face was found."""

    def find(numbered: tuple[int, Sample]) -> tuple[int, Sample, Pixels | str, bool]:
        row, sample = numbered
        try:
            crop, found = predictor.crop_largest(manifest.path(sample))
        except ImageError as error:
            return row, sample, str(error), False
        return row, sample, crop, found

    rows = list(enumerate(manifest.samples, start=1))
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(rows), _WINDOW):
            yield list(pool.map(find, rows[start : start + _WINDOW]))


def _read(predictor: Predictor, crops: list[Pixels], flip: bool) -> Reading:
    reading = predictor.read_faces(crops)
    if not flip:
        return reading
    mirrored = predictor.read_faces([crop[:, ::-1] for crop in crops])
    return Reading(_mean(reading.age, mirrored.age), _mean(reading.gender, mirrored.gender))


def _mean(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((one + other) / 2, dtype=np.float32)
