"""Fit what makes a bundle's answers honest, on a split that training has not seen; never make it worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from agelens.data.manifest import Manifest
from agelens.errors import ManifestError, OutputError
from agelens.evaluation.calibration_parts import (
    LEAST,
    CalibrationFaces,
    Decision,
    fit_intervals,
    fit_quality,
    fit_temperature,
    together,
)
from agelens.evaluation.temperature import prior_offsets
from agelens.faces.detection import detectors_at_hand
from agelens.faces.detection.base import DetectorName
from agelens.files import check_not_packaged
from agelens.inference.batch import read_each
from agelens.inference.predictor import Predictor
from agelens.labels import genders_of
from agelens.models.bundle import Bundle, copy_bundle, write_bundle
from agelens.models.spec import HEADS, Calibration

#: Faces, drawn at random, that the scale of quality sees of each detector besides the one asked for.
OTHER_DETECTORS_FACES = 500


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What was fitted, and what was kept.

    Attributes:
        bundle: the calibrated one; as it was where nothing was taken.
        decisions: one a part.
        images: faces that could be read.
        exact_ages: of them.
        genders: of them, known.
    """

    bundle: Bundle
    decisions: tuple[Decision, ...]
    images: int
    exact_ages: int
    genders: int

    @property
    def changed(self) -> bool:
        """Whether anything new was taken."""
        return any(one.taken for one in self.decisions)


def calibrate(
    bundle: Bundle,
    manifest: Manifest,
    splits: Sequence[str],
    *,
    flatten: float | None = None,
    flatten_from: int = 0,
    quality_only: bool = False,
    force: bool = False,
    detector: DetectorName = "whole",
    also: Sequence[tuple[Manifest, DetectorName]] = (),
    output: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> CalibrationReport:
    """Fit temperatures, conformal age intervals and the scale of quality, and write them into the bundle.

    Each part is measured on faces left out of its fit, and the bundle keeps what it has where the new is not
    better by more than chance. Where nothing is, the bundle is not touched, and ``output`` is its plain copy.
    Faces of several data sets give the intervals the margin that a further one would need; see ``transfer``.

    Args:
        bundle: the model; its ``bundle.json`` and card are rewritten, and its recorded metrics dropped, since
            they were measured without.
        manifest: labelled faces, exact ages.
        splits: to fit on, together; never the one to report on.
        flatten: divide the probability of each age by how many faces of it ``train`` holds, to this power: 0
            does not, 1 answers as if all ages were as frequent, None does what the bundle does. It takes off
            some of the pull towards frequent ages, and costs some mean error (prior correction, Saerens et
            al. 2002).
        flatten_from: only from this age on, years; those below keep their odds among themselves.
        quality_only: fit the scale of quality alone, which needs no labels.
        force: take what was fitted even where it is no better.
        detector: how the manifest's faces are found.
        also: further manifests of labelled faces, and how each one's are found.
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
    old, heads = bundle.spec.calibration, bundle.spec.heads
    tables, named = [(manifest, detector), *also], " and ".join(splits)
    flattened = prior_offsets([one for one, _ in tables], flatten or 0.0, flatten_from)
    offsets = old.age_offsets if flatten is None else flattened
    tables = [
        (Manifest(tuple(s for split in splits for s in one.of_split(split).samples), one.root), how)
        for one, how in tables
    ]
    bare = Bundle(bundle.folder, bundle.spec.model_copy(update={"calibration": Calibration()}))
    predictors = {how: Predictor(bare, how) for _, how in tables}
    read: list[CalibrationFaces] = []
    done = 0
    for one, how in tables:
        read.append(_read(predictors[how], one, named, partial(_beyond, progress, done)))
        done += len(one.samples)
    faces = together(read)
    counts = {head: int(faces.labelled(head).sum()) for head in HEADS}
    if (len(faces.age) if quality_only else max(counts[head] for head in heads)) < LEAST:
        raise ManifestError(
            f"split {faces.name!r} holds {len(faces.age)} faces, {counts['age']} exact ages and "
            f"{counts['gender']} genders; calibration needs {LEAST} of what it is fitted on"
        )
    new, decisions = old, []
    if not quality_only:
        for head in heads:
            new, decision = fit_temperature(head, new, faces, force=force)
            decisions.append(decision)
        if "age" in heads:
            new, decision = fit_intervals(new, old, offsets, faces, force=force)
            decisions.append(decision)
    # The scale of quality knows each detector by the faces that it found.
    names = [predictors[how].detector.name for _, how in tables]
    found = {name: together([r for r, n in zip(read, names, strict=True) if n == name]) for name in names}
    for other in detectors_at_hand():
        if other.name not in found:
            seen = Predictor(bare, other)
            found[other.name] = together([_read(seen, _some(one), faces.name) for one, _ in tables])
    new, decision = fit_quality(new, old, names[0], found, heads, force=force)
    decisions.append(decision)
    changed = any(one.taken for one in decisions)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        copy_bundle(bundle, output)
        bundle = Bundle(output, bundle.spec)
    if changed:
        new = new.model_copy(update={"fitted_on": faces.name, "images": len(faces.age)})
        bundle = write_bundle(bundle.folder, bundle.spec.model_copy(update={"calibration": new}), {})
    return CalibrationReport(bundle, tuple(decisions), len(faces.age), counts["age"], counts["gender"])


def _beyond(progress: Callable[[int], None], before: int, now: int) -> None:
    progress(before + now)


def _some(manifest: Manifest) -> Manifest:
    """Some of its faces, drawn at random: enough for the scale of quality."""
    some = np.random.default_rng(0).permutation(len(manifest.samples))[:OTHER_DETECTORS_FACES]
    return Manifest(tuple(manifest.samples[row] for row in some), manifest.root)


def _read(
    predictor: Predictor,
    manifest: Manifest,
    name: str,
    progress: Callable[[int], None] = lambda done: None,
) -> CalibrationFaces:
    """The faces of a manifest that can be read."""
    paths = [manifest.path(sample) for sample in manifest.samples]
    batch = read_each(predictor, paths, progress=progress)
    kept = [manifest.samples[row] for row in batch.rows]
    exact = [np.nan if sample.age is None else sample.age for sample in kept]
    sets = np.array([sample.source for sample in kept], dtype=np.str_)
    return CalibrationFaces(
        name, batch.reading, batch.picture, np.array(exact, float), genders_of(kept), sets
    )
