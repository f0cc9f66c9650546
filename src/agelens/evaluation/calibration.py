"""Fit what makes a bundle's probabilities honest, on a split that training has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agelens import ages, conformal, metrics
from agelens.data.manifest import Manifest
from agelens.errors import ManifestError, OutputError
from agelens.faces.detection.base import DetectorName
from agelens.files import check_not_packaged
from agelens.inference.batch import read_each
from agelens.inference.predictor import Predictor
from agelens.labels import ages_of, genders_of
from agelens.models.bundle import Bundle, copy_bundle, write_bundle
from agelens.models.spec import Calibration

#: Tried for a temperature: from a quarter to four, in steps of 1 %.
TEMPERATURES = np.exp(np.arange(-139, 140) * 0.01)


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What was fitted, and the negative log-likelihoods (nats a face) before and after."""

    bundle: Bundle
    age_nll: tuple[float, float]
    gender_nll: tuple[float, float]


def calibrate(
    bundle: Bundle,
    manifest: Manifest,
    splits: Sequence[str],
    *,
    flatten: float = 0.0,
    flatten_from: int = 0,
    detector: DetectorName = "whole",
    output: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> CalibrationReport:
    """Fit temperatures (Guo et al. 2017) and conformal age intervals, and write them into the bundle.

    Args:
        bundle: the model; its ``bundle.json`` and card are rewritten, and its recorded metrics dropped, since
            they were measured without.
        manifest: labelled faces, exact ages.
        splits: to fit on, together; never the one to report on.
        flatten: divide the probability of each age by how many faces of it ``train`` holds, to this power:
            0 leaves it, 1 answers as if all ages were as frequent. It takes off some of the pull towards
            frequent ages, and costs some mean error (prior correction, Saerens et al. 2002).
        flatten_from: only from this age on, years; those below keep their odds among themselves.
        output: a folder for a calibrated copy, new or empty; None changes the bundle itself.

    Raises:
        ManifestError: there are too few labelled faces, the split is the test's, or ages are to be flattened
            and ``train`` has none, or it is not said how much.
        OutputError: the bundle is the package's own, or ``output`` is not empty.
    """
    check_not_packaged(output or bundle.folder)
    if "test" in splits:
        raise ManifestError("a model is not calibrated on the split it is reported on; use --split val")
    if output is not None and output.exists() and any(output.iterdir()):
        raise OutputError(f"{output} is not empty; name a new folder for the calibrated copy")
    splits = tuple(dict.fromkeys(splits))  # named twice, it counts once
    named, offsets = " and ".join(splits), prior_offsets(manifest, flatten, flatten_from)
    plain = bundle.spec.model_copy(update={"calibration": Calibration()})
    predictor = Predictor(Bundle(bundle.folder, plain), detector)
    samples = [sample for split in splits for sample in manifest.of_split(split).samples]
    batch = read_each(predictor, [manifest.path(sample) for sample in samples], progress=progress)
    kept = [samples[row] for row in batch.rows]
    true_age, gender = ages_of(kept), genders_of(kept)
    with_age, with_gender = np.array([sample.age is not None for sample in kept], dtype=bool), gender >= 0
    if min(with_age.sum(), with_gender.sum()) < 50:
        raise ManifestError(
            f"split {named!r} holds {with_age.sum()} exact ages and {with_gender.sum()} genders; "
            "calibration needs 50 of each"
        )
    bins = np.rint(true_age[with_age]).astype(int)
    age_temperature, age_nll = _temperature(batch.reading.age[with_age], bins)
    gender_temperature, gender_nll = _temperature(batch.reading.gender[with_gender], gender[with_gender])
    age_temperature = round(age_temperature, 4)
    tempered = ages.retempered(batch.reading.age[with_age], age_temperature, offsets)
    calibration = Calibration(
        age_temperature=age_temperature,
        age_offsets=offsets,
        gender_temperature=round(gender_temperature, 4),
        age_intervals=conformal.fit(tempered, true_age[with_age]),
        fitted_on=named,
        images=len(kept),
    )
    spec = bundle.spec.model_copy(update={"calibration": calibration})
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        copy_bundle(bundle, output)
    return CalibrationReport(write_bundle(output or bundle.folder, spec, {}), age_nll, gender_nll)


def prior_offsets(manifest: Manifest, power: float, start: int) -> tuple[float, ...]:
    """Nats, one an age: minus the logarithm of its frequency in ``train``, times the power.

    Below the age ``start`` it is that of ``start``.

    Raises:
        ManifestError: ``train`` has no ages, or there is a start but no power.
    """
    if power == 0 and start > 0:
        raise ManifestError(f"ages are to be flattened from {start} on, but not how much; use --flatten, too")
    if power == 0:
        return Calibration().age_offsets
    years = [s.point_age for s in manifest.of_split("train").samples if s.point_age is not None]
    if not years:
        raise ManifestError("the split 'train' holds no ages whose frequencies could be flattened")
    nats = -power * np.log(ages.frequencies(years))
    nats[:start] = nats[start]
    return tuple(np.round(nats - nats.min(), 4).tolist())


def _temperature(
    probabilities: ages.FloatArray, labels: NDArray[np.intp]
) -> tuple[float, tuple[float, float]]:
    """The temperature of the least negative log-likelihood, with that at 1 and at it."""
    nll = metrics.negative_log_likelihood
    least, best = min((nll(ages.retempered(probabilities, t), labels), float(t)) for t in TEMPERATURES)
    return best, (nll(probabilities, labels), least)
