"""What was measured of a model on one split, and how: the headline in ``bundle.json``, the rest beside it.

``Headline`` holds the conditions and the main figures; ``Measurement``, the content of ``metrics.json``, adds
the tables by group, by band and by threshold that an evaluation makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from agelens.ages import PointEstimate
from agelens.figures import percent
from agelens.metrics import Estimate

#: Groups smaller than this are marked, and named neither best nor worst: a few faces move their figures.
SMALL = 50

#: What groups by how large a face is in its picture are cut by.
EYES = "pixels between the eyes"

#: Whom an age check or a refusal was measured on, where it was everybody.
EVERYBODY = "all"

#: The lowest qualities that refusals by group are measured at.
REFUSAL_THRESHOLDS = (0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, slots=True)
class GroupError:
    """The error on the faces of one group; None where no label allows a figure."""

    by: str  # ``age``, ``gender``, ``group`` (the manifest's own), ``EYES``, or the first three crossed
    name: str
    images: int
    mae: float | None  # mean absolute error of age, years
    bias: float | None  # mean signed error of age, years
    gender_accuracy: float | None
    coverage: float | None = None  # share of age intervals that hold
    #: The 95 % intervals of these figures, by name: of years by the bootstrap, of shares by Wilson; without
    #: those that an earlier AgeLens did not record, and those of years of a single face.
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def crossed(self) -> bool:
        """Whether it is cut by several attributes at once."""
        return "×" in self.by

    @property
    def small(self) -> bool:
        """Whether a few faces move its figures."""
        return self.images < SMALL


@dataclass(frozen=True, slots=True)
class Gap:
    """The gap of one figure between the groups of a cut that are served worst and best, of 50 faces or more.

    The two are chosen on the same faces, so that even equal groups show some gap; the bootstrap interval says
    how much of it is chance.
    """

    by: str  # what the groups are cut by
    figure: str  # ``mae``, in years, or ``gender_accuracy`` or ``coverage``, shares
    worst: str
    best: str
    worst_value: float
    best_value: float
    gap: Estimate


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A group whose labelled faces are too few for a gap, with its figure all the same."""

    by: str  # what the groups are cut by
    figure: str  # as ``Gap``'s
    name: str
    images: int  # that carry the label
    value: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """The share of a group's faces that are refused at each threshold of quality."""

    by: str  # as ``GroupError``'s, or ``all``
    name: str
    images: int
    refused: tuple[float, ...]  # one a threshold of ``REFUSAL_THRESHOLDS``


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The error that remains at one threshold of quality; None where nothing is labelled."""

    answered: float  # the share of faces at or above the threshold
    threshold: float  # 0..1, as ``predict --min-quality`` takes it
    mae: Estimate | None  # of the faces answered, years
    gender_accuracy: Estimate | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of intervals that hold, and their mean width in years, one a level of ``REPORTED_LEVELS``."""

    band: str  # of predicted age, as ``18–25``, years; ``all`` for the whole
    images: int
    held: tuple[float, ...]
    widths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AgeCheck:
    """An age check for one threshold at one challenge age."""

    threshold: int  # the age asked for, years
    challenge: int  # the predicted age from which a face passes, years
    minors: int  # faces below the threshold
    passed: float  # the share of them that pass: the false-positive rate
    interval: tuple[float, float]  # the 95 % Wilson interval of that share
    turned_away: float | None  # the share of faces of age that do not pass, the false-negative rate, or None
    among: str = EVERYBODY  # or a gender, or one of the manifest's groups
    of_age: int = 0  # faces of the threshold's age or older; 0 where an earlier AgeLens did not record them
    turned_away_interval: tuple[float, float] | None = None  # the 95 % Wilson interval of their share


class Headline(BaseModel):
    """The main figures on one split, and the conditions they were measured under; None where not recorded."""

    # What a headline does not hold, such as the tables that ``bundle.json`` once held, is left out.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    model: str = ""
    split: str = ""
    detector: str | None = None
    flip: bool | None = None  # whether each answer was averaged with the mirror image's
    point: PointEstimate | None = None
    level: float | None = None  # of the intervals of ``interval_coverage`` and of the groups' ``coverage``
    runtime: str | None = None
    images: int = Field(ge=0)  # that could be read
    without_face: int = 0  # of them, read whole
    unreadable: int = 0  # left out
    figures: dict[str, Estimate]  # by key; see ``agelens.figures``

    @property
    def conditions(self) -> str:
        """How it was measured, in a line: only what is recorded."""
        parts = (
            self.detector and f"detector {self.detector}",
            self.point and f"{self.point} of the age distribution",
            self.flip is not None and f"{'averaged with' if self.flip else 'without'} the mirror image",
            self.level and f"{percent(self.level)} age intervals",
        )
        return ", ".join(part for part in parts if part)


def _by_place(rows: Sequence[Any]) -> list[Any]:
    """Schema 1 calls the threshold otherwise, in the same place."""
    names = [one.name for one in fields(RiskCoverage)]
    return [dict(zip(names, row.values(), strict=True)) if isinstance(row, dict) else row for row in rows]


class Measurement(Headline):
    """All that was measured on one split."""

    groups: tuple[GroupError, ...] = ()
    gaps: tuple[Gap, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    risk_coverage: Annotated[tuple[RiskCoverage, ...], BeforeValidator(_by_place)] = Field(
        default=(), validation_alias=AliasChoices("risk_coverage", "refusing")
    )
    refusals: tuple[Refusal, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    age_checks: tuple[AgeCheck, ...] = ()

    @property
    def headline(self) -> Headline:
        """The part that belongs into ``bundle.json``."""
        return Headline(**{name: getattr(self, name) for name in Headline.model_fields})
