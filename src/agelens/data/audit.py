"""Audit a manifest: copies, leaks between splits, conflicting labels, pictures that teach nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from agelens.data.balance import Balance, balance_of
from agelens.data.duplicates import Fingerprint, clusters, find_copies, fingerprints
from agelens.data.manifest import Manifest
from agelens.data.problems import Finding
from agelens.errors import AgeLensError
from agelens.faces.detection.base import Detector
from agelens.faces.images import open_image
from agelens.faces.quality import BLURRED
from agelens.labels import MAX_AGE, Sample
from agelens.parallel import Progress, attempt_each, silent

#: Pixels. A face smaller than this shows little of its age.
TINY = 48

#: Years. Copies whose ages differ by more than this contradict each other.
TOLERATED = 0.5


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything found, and the clusters of copies as rows (from 1)."""

    images: int
    findings: tuple[Finding, ...]
    clusters: tuple[tuple[int, ...], ...]
    balance: Balance

    def count(self) -> dict[str, int]:
        """Findings by kind, the commonest first."""
        return dict(Counter(finding.kind for finding in self.findings).most_common())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "images": self.images,
            "counts": self.count(),
            "clusters": [list(rows) for rows in self.clusters],
            "balance": self.balance,
            "findings": [{"kind": f.kind, "rows": list(f.rows), "detail": f.detail} for f in self.findings],
        }


def audit_manifest(manifest: Manifest, progress: Progress = silent) -> Audit:
    """Look at every image and label of a manifest.

    Finds unreadable, tiny and blurred images; exact and near copies, mirrored ones too; clusters of copies
    that cross splits or contradict each other; subjects that cross splits; and odd ages.
    """
    samples = manifest.samples
    prints = fingerprints([manifest.path(sample) for sample in samples], progress)
    findings = [finding for row, one in enumerate(prints, start=1) for finding in _picture(row, one)]
    groups = _copies(prints)
    for group in groups:
        findings += _cluster(group, samples, prints)
    findings += _subjects(samples) + _odd_ages(samples)
    numbered = tuple(tuple(row + 1 for row in group) for group in groups)
    return Audit(len(samples), tuple(findings), numbered, balance_of(samples))


def without_face(manifest: Manifest, detector: Detector, progress: Progress = silent) -> list[Finding]:
    """The images in which a detector finds no face; unreadable ones are the audit's to name."""
    paths = [manifest.path(sample) for sample in manifest.samples]
    seen = attempt_each(lambda path: bool(detector.detect(open_image(path).pixels)), paths, progress=progress)
    return [
        Finding("no face found", (row,), f"by the detector {detector.name}")
        for row, one in enumerate(seen, start=1)
        if one is False
    ]


def copies_between(manifest: Manifest, other: Manifest, progress: Progress = silent) -> tuple[Finding, ...]:
    """The images of one manifest that another holds too, as of a training set and a foreign test set."""
    paths = [table.path(sample) for table in (manifest, other) for sample in table.samples]
    own = len(manifest.samples)
    findings = []
    for group in _copies(fingerprints(paths, progress)):
        ours = tuple(row + 1 for row in group if row < own)
        twins = [other.samples[row - own].image for row in group if row >= own]
        if ours and twins:
            findings.append(Finding("copy in the other manifest", ours, ", ".join(twins)))
    return tuple(findings)


def _copies(prints: Sequence[Fingerprint | AgeLensError]) -> list[list[int]]:
    """The groups of positions that hold one picture; unreadable ones are in none."""
    readable = {row: one for row, one in enumerate(prints) if isinstance(one, Fingerprint)}
    rows = list(readable)
    groups = clusters(find_copies(list(readable.values())), len(rows))
    return [[rows[place] for place in group] for group in groups]


def _picture(row: int, one: Fingerprint | AgeLensError) -> list[Finding]:
    if isinstance(one, AgeLensError):
        return [Finding("unreadable", (row,), str(one))]
    findings = []
    if min(one.width, one.height) < TINY:
        findings.append(Finding("tiny", (row,), f"{one.width} × {one.height} pixels"))
    if one.sharpness < BLURRED:
        findings.append(Finding("blurred", (row,), f"sharpness {one.sharpness:.0f}"))
    return findings


def _cluster(
    group: list[int], samples: Sequence[Sample], prints: Sequence[Fingerprint | AgeLensError]
) -> list[Finding]:
    rows = tuple(row + 1 for row in group)
    members = [samples[row] for row in group]
    digests = {one.digest for row in group if isinstance(one := prints[row], Fingerprint)}
    kind = "exact copies" if len(digests) == 1 else "near copies"
    findings = [Finding(kind, rows, ", ".join(PurePath(sample.image).name for sample in members))]
    splits = sorted({sample.split for sample in members if sample.split})
    if len(splits) > 1:
        findings.append(Finding("copies cross splits", rows, " and ".join(splits)))
    ages = [sample.point_age for sample in members if sample.point_age is not None]
    if ages and max(ages) - min(ages) > TOLERATED:
        findings.append(Finding("copies of different age", rows, f"{min(ages):g} to {max(ages):g} years"))
    if len({sample.gender for sample in members if sample.gender}) > 1:
        findings.append(Finding("copies of different gender", rows, "male and female"))
    return findings


def _subjects(samples: Sequence[Sample]) -> list[Finding]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, sample in enumerate(samples, start=1):
        if sample.subject:
            rows[sample.subject].append(row)
    return [
        Finding("subject crosses splits", tuple(of_one), f"{name}: {' and '.join(sorted(splits))}")
        for name, of_one in rows.items()
        if len(splits := {samples[row - 1].split for row in of_one if samples[row - 1].split}) > 1
    ]


def _odd_ages(samples: Sequence[Sample]) -> list[Finding]:
    """Ages at the very ends that are commoner than their neighbours are often 'unknown' in disguise."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, sample in enumerate(samples, start=1):
        if sample.age is not None:
            rows[round(sample.age)].append(row)
    findings = []
    for end, beside in ((0, 1), (MAX_AGE, MAX_AGE - 1)):
        count, usual = len(rows[end]), len(rows[beside])
        if count > max(10, 3 * usual):
            text = f"{count} faces of age {end}, {usual} of {beside}"
            findings.append(Finding("spike of ages", tuple(rows[end]), text))
    return findings
