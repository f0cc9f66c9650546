"""What score a submission may expect, by what was measured of its models: nobody knows the test labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agelens.apps.competition.folder import CodeEvidence
from agelens.figures import FIGURES, Table
from agelens.metrics import Estimate
from agelens.models.spec import BundleSpec

#: What the reader of the competition's folder calls the images that a model has learnt.
SOURCE = "competition"

#: Where its labelled images stand.
TRAINING_TABLE = "train.csv"


@dataclass(frozen=True, slots=True)
class ExpectedScore:
    """A model's score on labelled faces, with its 95 % bootstrap interval."""

    model: str
    measured_on: str
    images: int
    score: Estimate


def expected_scores(specs: Sequence[BundleSpec], evidence: CodeEvidence | None) -> tuple[ExpectedScore, ...]:
    """The scores of the models, on the competition's own faces first, then on each data set of the bundles.

    The competition's are the training images that told the gender code. A model that has learnt them would
    be flattered, and is not measured on them.
    """
    scores = []
    if evidence is not None and SOURCE not in specs[0].training.sources:
        scores.append(ExpectedScore(specs[0].name, TRAINING_TABLE, evidence.images, evidence.score))
    for name, spec in {spec.name: spec for spec in specs}.items():
        scores += [
            ExpectedScore(name, split, measured.images, measured.figures["score"])
            for split, measured in spec.metrics.items()
            if "score" in measured.figures
        ]
    return tuple(scores)


def expected_table(scores: Sequence[ExpectedScore]) -> Table:
    """The scores as a table, with what they are worth below it."""
    figure = FIGURES["score"]
    rows = [
        (one.model, one.measured_on, f"{one.images:,}", figure.with_interval(one.score)) for one in scores
    ]
    if not scores:
        note = "Nothing was measured of this model; 'agelens evaluate --write' does."
    else:
        note = "Each is of one model on other faces than the test images, which may be unlike all of them."
    if any(one.measured_on == TRAINING_TABLE for one in scores):
        note += (
            f" {TRAINING_TABLE} flatters a model that has learnt its pictures as part of another data set."
        )
    title = "expected score, its 95 % interval in brackets"
    return Table(title, ("model", "measured on", "images", "score"), rows, 2, note)
