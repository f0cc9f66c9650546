"""What was measured of a model on one split, and how: the headline in ``bundle.json``, the rest beside it.

``Headline`` holds the conditions and the main figures; ``Measurement``, the content of ``metrics.json``, adds
the tables by group, by band and by threshold that an evaluation makes.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from agelens.ages import PointEstimate
from agelens.figures import percent
from agelens.metrics import Estimate

#: Groups smaller than this are marked, and named neither best nor worst: a few faces move their figures.
SMALL = 50

#: Whom an age check was measured on, where it was everybody.
EVERYBODY = "all"


@dataclass(frozen=True, slots=True)
class GroupError:
    """The error on the faces of one group; None where no label allows a figure.

    Attributes:
        by: what the group is cut by: ``age``, ``gender``, ``group`` (the manifest's own attribute), or all of
            them crossed, as ``age × gender × group``.
        name: the group's name.
        images: its size.
        mae: mean absolute error of age, years.
        bias: mean signed error of age, years.
        gender_accuracy: share of right genders.
        coverage: share of age intervals that hold.
    """

    by: str
    name: str
    images: int
    mae: float | None
    bias: float | None
    gender_accuracy: float | None
    coverage: float | None = None

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
    """The gap of one figure between two groups of one cut; years or shares.

    Attributes:
        by: what the groups are cut by.
        figure: ``mae``, ``gender_accuracy`` or ``coverage``.
        worst: the group served worst among those of 50 faces or more.
        best: the group served best among them.
        worst_value: the figure of the group served worst.
        best_value: the figure of the group served best.
        gap: between the two, with its bootstrap interval. The two are chosen on the same faces, so that even
            equal groups show some gap; the interval says how much of it is chance.
    """

    by: str
    figure: str
    worst: str
    best: str
    worst_value: float
    best_value: float
    gap: Estimate


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The error that remains at one threshold of quality.

    Attributes:
        answered: the share of faces at or above the threshold.
        min_quality: the threshold, 0..1, for ``predict --min-quality``.
        mae: mean absolute error of the faces answered, years; None where no age is labelled.
        gender_accuracy: share of right genders among them; None where no gender is labelled.
    """

    answered: float
    min_quality: float
    mae: Estimate | None
    gender_accuracy: Estimate | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the intervals of each reported level hold in one band of predicted age, and their width.

    Attributes:
        band: the band, as ``18–25``, years; ``all`` for the whole.
        images: faces in the band.
        held: the share of intervals that hold, one a level of ``conformal.REPORTED_LEVELS``.
        widths: mean width in years, one a level.
    """

    band: str
    images: int
    held: tuple[float, ...]
    widths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AgeCheck:
    """An age check for one threshold at one challenge age.

    Attributes:
        threshold: the age asked for, years.
        challenge: the predicted age from which a face passes, years.
        minors: faces below the threshold.
        passed: the share of them that pass: the false-positive rate.
        interval: the 95 % Wilson interval of that share.
        turned_away: the share of faces of age that do not pass; None where there are none.
        among: whom it was measured on: ``all``, a gender, or one of the manifest's groups.
    """

    threshold: int
    challenge: int
    minors: int
    passed: float
    interval: tuple[float, float]
    turned_away: float | None
    among: str = EVERYBODY


class Headline(BaseModel):
    """The main figures on one split, and the conditions they were measured under; None where not recorded.

    Attributes:
        model: the model's name.
        split: the manifest's split.
        detector: how faces were found.
        flip: whether each face's answer was averaged with its mirror image's.
        point: which age of a distribution was the answer.
        level: of the age intervals that ``interval_coverage`` and the groups' ``coverage`` are of.
        runtime: what computed the network.
        images: that could be read.
        without_face: images without a face found, read whole.
        unreadable: images left out.
        figures: by key; see ``agelens.figures``.
    """

    # What a headline does not hold, such as the tables that ``bundle.json`` once held, is left out.
    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str = ""
    split: str = ""
    detector: str | None = None
    flip: bool | None = None
    point: PointEstimate | None = None
    level: float | None = None
    runtime: str | None = None
    images: int = Field(ge=0)
    without_face: int = 0
    unreadable: int = 0
    figures: dict[str, Estimate]

    @property
    def conditions(self) -> str:
        """How it was measured, in a line: only what is recorded."""
        mirrored = {True: "averaged with the mirror image", False: "without the mirror image", None: None}[
            self.flip
        ]
        parts = (
            self.detector and f"detector {self.detector}",
            self.point and f"{self.point} of the age distribution",
            mirrored,
            self.level and f"{percent(self.level)} age intervals",
        )
        return ", ".join(part for part in parts if part)


class Measurement(Headline):
    """All that was measured on one split."""

    groups: tuple[GroupError, ...] = ()
    gaps: tuple[Gap, ...] = ()
    risk_coverage: tuple[RiskCoverage, ...] = Field(
        default=(), validation_alias=AliasChoices("risk_coverage", "refusing")
    )
    coverage: tuple[Coverage, ...] = ()
    age_checks: tuple[AgeCheck, ...] = ()

    @property
    def headline(self) -> Headline:
        """The part that belongs into ``bundle.json``."""
        return Headline(**{name: getattr(self, name) for name in Headline.model_fields})
