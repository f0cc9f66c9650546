"""Labels that a model finds all but impossible: swapped rows, slipped digits, wrong faces.

The answers must come from a model that has not learnt these rows: another data set's, or out-of-fold ones. A
model that has seen a wrong label has learnt it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agelens import ages
from agelens.data.manifest import Manifest
from agelens.data.problems import Finding
from agelens.data.soft_labels import SoftLabels
from agelens.files import resolved
from agelens.labels import GENDERS, Sample, ages_of, genders_of

#: An age is suspected where the answer puts less than this on its side of the label, ...
TAIL = 0.002

#: ... and is so many years away. A sure answer for a child makes two years improbable, not suspicious.
YEARS = 12.0


def suspected_labels(
    samples: Sequence[Sample], rows: Sequence[int], age: ages.FloatArray, gender: NDArray[np.floating]
) -> list[Finding]:
    """The labels that the answers contradict, the least probable first.

    Gender by confident learning (Northcutt, Jiang & Chuang 2021): the other gender is at least as probable as
    it is on average for faces that carry it.

    Args:
        samples: all rows of the manifest.
        rows: (n,) positions of those that were answered.
        age: (n, 101) probabilities.
        gender: (n, 2) probabilities.
    """
    return _ages(samples, rows, age) + _genders(samples, rows, gender)


def suspected_by_answers(manifest: Manifest, answers: SoftLabels) -> tuple[list[Finding], int]:
    """The labels that out-of-fold answers contradict, and how many of the manifest's rows were answered."""
    paths = [manifest.path(sample) for sample in manifest.samples]
    rows = [row for row, path in enumerate(paths) if str(resolved(path)) in answers.rows]
    part = answers.of([paths[row] for row in rows])
    return suspected_labels(manifest.samples, rows, part.age, part.gender), len(rows)


def _ages(samples: Sequence[Sample], rows: Sequence[int], age: ages.FloatArray) -> list[Finding]:
    label = ages_of(samples[row] for row in rows)
    known = np.flatnonzero(~np.isnan(label))
    age, label = age[known], label[known]
    below, answer = ages.cdf(age, label), ages.expectation(age)
    away = np.abs(answer - label)
    odd = (np.minimum(below, 1 - below) < TAIL) & (away > YEARS)
    findings = []
    for place in np.flatnonzero(odd)[np.argsort(-away[odd], kind="stable")]:
        text = f"labelled {label[place]:g}, read as {answer[place]:.0f} years"
        findings.append(Finding("suspected age", (rows[int(known[place])] + 1,), text))
    return findings


def _genders(samples: Sequence[Sample], rows: Sequence[int], gender: NDArray[np.floating]) -> list[Finding]:
    label = genders_of(samples[row] for row in rows)
    findings: list[tuple[float, Finding]] = []
    for other in range(len(GENDERS)):
        carriers = label == other
        if not carriers.any():
            continue
        usual = gender[carriers, other].mean()
        for place in np.flatnonzero((label == 1 - other) & (gender[:, other] >= usual)):
            stated = float(gender[place, other])
            text = f"labelled {GENDERS[1 - other]}, read as {GENDERS[other]} ({stated:.1%})"
            findings.append((-stated, Finding("suspected gender", (rows[int(place)] + 1,), text)))
    return [finding for _, finding in sorted(findings, key=lambda entry: entry[0])]
