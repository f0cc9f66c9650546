"""The parts of a calibration, each fitted and weighed by itself: the old stays unless the new is better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agelens import ages, conformal
from agelens.conformal import LEVELS, REPORTED_LEVELS
from agelens.evaluation import held_out, temperature, transfer
from agelens.faces import quality
from agelens.figures import FIGURES, percent
from agelens.inference.answers import Reading, concatenate
from agelens.models.spec import PARTS, Calibration, Fitted, Head, Part

#: Labelled faces that a part is fitted on at the least; nine tenths of them are as many as a table needs.
LEAST = 60

_NINETY = REPORTED_LEVELS.index(0.9)


@dataclass(frozen=True, slots=True)
class CalibrationFaces:
    """n calibration faces, read by the bare network.

    Attributes:
        name: the splits that they come from.
        reading: what the network said of them.
        picture: (n,) the part of their quality that the picture decides; 0 where no face was found.
        age: (n,) years; NaN where no exact age is known.
        gender: (n,) 0 male, 1 female, -1 unknown.
        data_set: (n,) where each comes from, as the manifest names it.
    """

    name: str
    reading: Reading
    picture: NDArray[np.float64]
    age: NDArray[np.float64]
    gender: NDArray[np.int64]
    data_set: NDArray[np.str_]

    def labelled(self, head: Head) -> NDArray[np.bool_]:
        """(n,) whether the label of a head is known."""
        return ~np.isnan(self.age) if head == "age" else self.gender >= 0

    def of(self, head: Head) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """The probabilities and the classes of the labelled faces: (m, k), (m,)."""
        rows = self.labelled(head)
        if head == "age":
            return self.reading.age[rows], np.rint(self.age[rows]).astype(np.intp)
        return self.reading.gender[rows], self.gender[rows].astype(np.intp)

    def fitted(self, images: int) -> Fitted:
        """What is recorded of a part that ``images`` of them decided."""
        return Fitted(on=self.name, images=images)


def together(faces: Sequence[CalibrationFaces]) -> CalibrationFaces:
    """Faces that were read one part after the other."""
    arrays = ("picture", "age", "gender", "data_set")
    return CalibrationFaces(
        faces[0].name,
        concatenate([one.reading for one in faces]),
        **{name: np.concatenate([getattr(one, name) for one in faces]) for name in arrays},
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one part."""

    part: Part
    taken: bool  # the new one; else what the bundle had is kept
    said: str  # why, with the figures on faces that the fit did not see


def fit_temperature(
    head: Head, before: Calibration, faces: CalibrationFaces, *, force: bool
) -> tuple[Calibration, Decision]:
    """The temperature of a head; offsets are not counted, since they buy less bias with likelihood."""
    field = f"{head}_temperature"
    old: float = getattr(before, field)
    probabilities, labels = faces.of(head)
    if len(labels) < LEAST:
        return before, Decision(head, False, f"kept: {len(labels)} labels are too few, {LEAST} the least")
    new, error = temperature.best(temperature.losses(probabilities, labels))
    told = f"{new:.3f}" + ("" if math.isnan(error) else f" ± {error:.3f}")
    compared = held_out.compare_temperatures(probabilities, labels, old)
    nll = FIGURES["nll"]
    change = f"{nll.name} {nll.written(compared.old)} -> {nll.written(compared.new)} {nll.unit}"
    if not (compared.better or force):
        no_better = f"a new one, {told}, is no better beyond chance: {change}"
        return before, Decision(head, False, f"temperature {old:.3f} kept; {no_better}")
    after = _with(before, head, faces.fitted(len(labels)), **{field: round(new, 4)})
    return after, Decision(head, True, f"temperature {told} for {old:.3f}; {change}")


def fit_intervals(
    before: Calibration,
    old: Calibration,
    offsets: tuple[float, ...],
    faces: CalibrationFaces,
    *,
    force: bool,
) -> tuple[Calibration, Decision]:
    """The offsets asked for, and the table of age intervals for them and for the temperature of ``before``.

    They belong to the probabilities: where those are no longer the ``old`` ones, the table is fitted anew.
    """
    rows = faces.labelled("age")
    true, images = faces.age[rows], int(rows.sum())
    if images < LEAST:
        return before, Decision("intervals", False, f"kept: {images} labels are too few, {LEAST} the least")
    before = before.model_copy(update={"age_offsets": offsets})
    now = answered_ages(faces.reading.age[rows], before)
    count = conformal.choose_neighbours(conformal.scores(now, true), ages.expectation(now))
    compared = held_out.compare_intervals(
        (answered_ages(faces.reading.age[rows], old), old.age_intervals), now, true, count
    )
    held = FIGURES["interval_coverage"]
    old_share, new_share = (held.written(shares[_NINETY]) for shares in compared.held)
    change = f"90 % intervals hold {old_share} -> {new_share}; {allowed(count)}"
    moved = _distribution(before) != _distribution(old)
    if not (compared.better or moved or old.age_intervals is None or force):
        return before, Decision("intervals", False, f"kept: new ones are no better beyond chance: {change}")
    sets = faces.data_set[rows]
    table = transfer.with_margin(now, true, sets, neighbours=count)
    unseen = transfer.left_out(now, true, sets, margin=True)
    after = _with(before, "intervals", faces.fitted(images), age_intervals=table, unseen=unseen)
    for one in unseen:
        change += (
            f"; where {one.band} was left out of the fit, they hold {held.written(one.held[_NINETY])} there"
        )
    return after, Decision("intervals", True, change)


def allowed(neighbours: int) -> str:
    """What so many faces near a predicted age allow: by chance of the faces, and which levels.

    The share that an interval truly holds has the spread of a Beta distribution (Vovk 2012), and a level
    needs at least level / (1 - level) faces (Vovk et al. 2005).
    """
    spread = 1.96 * math.sqrt(0.9 * 0.1 / (neighbours + 2))
    highest = max(level for level in LEVELS if neighbours >= round(level / (1 - level), 6))
    return (
        f"at each predicted age the nearest {neighbours} faces decide: "
        f"90 % there means {0.9 - spread:.0%} to {min(1, 0.9 + spread):.0%}, and the highest level is "
        f"{percent(highest)}"
    )


def fit_quality(
    before: Calibration,
    old: Calibration,
    detector: str,
    found: Mapping[str, CalibrationFaces],
    heads: tuple[Head, ...],
    *,
    force: bool,
) -> tuple[Calibration, Decision]:
    """The scale of quality, by the faces that each detector found; ``detector`` is the caller's.

    The old one is kept where it takes these faces for such as it was fitted on.
    """
    faces = found[detector]
    age = answered_ages(faces.reading.age, before) if "age" in heads else None
    scale, known = before.quality, before.fitted("quality")
    if scale is not None and known is not None and detector in scale.quantiles and not force:
        shares = quality.of_answers(faces.picture, age, scale, detector)
        same = _distribution(before) == _distribution(old)
        if same and not held_out.differs_from_uniform(shares[faces.picture > 0], known.images):
            return before, Decision("quality", False, "scale kept: these faces are like those it knows")
    scale = quality.usual_entropy(age)
    for name, seen in found.items():
        clear = seen.picture > 0
        if clear.any():
            own = answered_ages(seen.reading.age[clear], before) if "age" in heads else None
            scale = quality.with_detector(scale, name, seen.picture[clear], own)
    images = int((faces.picture > 0).sum())
    after = _with(before, "quality", faces.fitted(images), quality=scale)
    names = ", ".join(scale.quantiles)
    return after, Decision("quality", True, f"scale for faces found by {names}; 0.1 refuses a tenth of them")


def answered_ages(bare: ages.FloatArray, calibration: Calibration) -> NDArray[np.float32]:
    """The distributions as a calibration answers them, of the bare network's: (n, 101) -> (n, 101)."""
    return ages.retempered(bare, calibration.age_temperature, calibration.age_offsets)


def _distribution(calibration: Calibration) -> tuple[float, tuple[float, ...]]:
    return calibration.age_temperature, calibration.age_offsets


def _with(before: Calibration, part: Part, fitted: Fitted, **values: object) -> Calibration:
    known = {one: before.fitted(one) for one in PARTS}
    parts = {one: record for one, record in known.items() if record is not None} | {part: fitted}
    return before.model_copy(update={**values, "parts": parts})
