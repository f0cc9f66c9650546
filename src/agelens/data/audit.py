"""Audit a manifest: copies, leaks between splits, conflicting labels, pictures that teach nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from agelens.data.balance import Balance, balance_of
from agelens.data.decoding import decode_each
from agelens.data.duplicates import Fingerprint, clusters, find_copies, fingerprints
from agelens.data.manifest import Manifest
from agelens.data.problems import Finding
from agelens.errors import AgeLensError
from agelens.faces.detection.base import Detector
from agelens.faces.images import open_image
from agelens.faces.quality import BLURRED
from agelens.labels import MAX_AGE, Sample

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

    def with_more(self, findings: Sequence[Finding]) -> Audit:
        """The same with further findings."""
        return replace(self, findings=(*self.findings, *findings))

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


def audit_manifest(manifest: Manifest, progress: Callable[[int], None] = lambda done: None) -> Audit:
    """Look at every image and label of a manifest.

    Finds unreadable, tiny and blurred images; exact and near copies, mirrored ones too; clusters of copies
    that cross splits or contradict each other; subjects that cross splits; and odd ages.
    """
    samples = manifest.samples
    prints = fingerprints([manifest.path(sample) for sample in samples], progress)
    findings: list[Finding] = []
    readable: list[int] = []
    for row, one in enumerate(prints):
        if isinstance(one, AgeLensError):
            findings.append(Finding("unreadable", (row + 1,), str(one)))
            continue
        readable.append(row)
        findings += _picture(row, one)
    known = [one for one in prints if isinstance(one, Fingerprint)]
    found = find_copies(known)
    groups = [[readable[place] for place in group] for group in clusters(found, len(known))]
    for group in groups:
        findings += _cluster(group, samples, prints)
    findings += _subjects(samples)
    findings += _odd_ages(samples)
    numbered = tuple(tuple(row + 1 for row in group) for group in groups)
    return Audit(len(samples), tuple(findings), numbered, balance_of(samples))


def without_face(
    manifest: Manifest, detector: Detector, progress: Callable[[int], None] = lambda done: None
) -> list[Finding]:
    """The images in which a detector finds no face; unreadable ones are the audit's to name."""

    def sees(path: Path) -> bool:
        return bool(detector.detect(open_image(path).pixels))

    paths = [manifest.path(sample) for sample in manifest.samples]
    return [
        Finding("no face found", (row,), f"by the detector {detector.name}")
        for row, seen in enumerate(decode_each(paths, sees, progress=progress), start=1)
        if seen is False
    ]


def copies_between(
    manifest: Manifest, other: Manifest, progress: Callable[[int], None] = lambda done: None
) -> tuple[Finding, ...]:
    """The images of one manifest that another holds too, as of a training set and a foreign test set."""
    paths = [manifest.path(sample) for sample in manifest.samples]
    theirs = [other.path(sample) for sample in other.samples]
    prints = fingerprints(paths + theirs, progress)
    readable = [row for row, one in enumerate(prints) if isinstance(one, Fingerprint)]
    known = [one for one in prints if isinstance(one, Fingerprint)]
    findings = []
    for group in clusters(find_copies(known), len(known)):
        rows = [readable[place] for place in group]
        ours = tuple(row + 1 for row in rows if row < len(paths))
        twins = [other.samples[row - len(paths)].image for row in rows if row >= len(paths)]
        if ours and twins:
            findings.append(Finding("copy in the other manifest", ours, ", ".join(twins)))
    return tuple(findings)


def _picture(row: int, one: Fingerprint) -> list[Finding]:
    findings = []
    if min(one.width, one.height) < TINY:
        findings.append(Finding("tiny", (row + 1,), f"{one.width} × {one.height} pixels"))
    if one.sharpness < BLURRED:
        findings.append(Finding("blurred", (row + 1,), f"sharpness {one.sharpness:.0f}"))
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
    counts = Counter(round(sample.age) for sample in samples if sample.age is not None)
    findings = []
    for end, beside in ((0, 1), (MAX_AGE, MAX_AGE - 1)):
        if counts[end] > 10 and counts[end] > 3 * max(1, counts[beside]):
            rows = tuple(
                row for row, s in enumerate(samples, start=1) if s.age is not None and round(s.age) == end
            )
            text = f"{counts[end]} faces of age {end}, {counts[beside]} of {beside}"
            findings.append(Finding("spike of ages", rows, text))
    return findings
