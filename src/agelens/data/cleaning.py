"""Mend what an audit found: drop copies that leak, settle labels that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agelens.data.audit import TOLERATED, Audit
from agelens.data.manifest import Manifest
from agelens.labels import Sample

#: From the most to the least protected: of copies in two splits, the less protected one is dropped.
PROTECTED = ("test", "val", "train")


def clean(manifest: Manifest, found: Audit) -> tuple[list[Sample], list[tuple[int, str]]]:
    """Mend what an audit found.

    Unreadable images go. Clusters of copies get a common ``duplicate_group``; of copies in several splits,
    those of the less protected ones go (test before val before train; rows of other splits stay); copies with
    the same split and labels keep one image; where ages contradict, all get their mean with its spread, and
    where genders do, none.

    Returns:
        The rows that stay, and what was done: (row from 1, why).
    """
    work = _Cleaning(dict(enumerate(manifest.samples, start=1)), [])
    for finding in found.findings:
        if finding.kind == "unreadable":
            work.drop(finding.rows[0], finding.detail)
    for number, cluster in enumerate(found.clusters, start=1):
        rows = [row for row in cluster if row in work.kept]
        rows = work.keep_the_protected(rows, number)
        work.settle(rows, number)
    return [work.kept[row] for row in sorted(work.kept)], sorted(work.done)


@dataclass(slots=True)
class _Cleaning:
    """The rows that stay so far, and what was done to the others; rows count from 1."""

    kept: dict[int, Sample]
    done: list[tuple[int, str]]

    def drop(self, row: int, why: str) -> None:
        del self.kept[row]
        self.done.append((row, f"dropped: {why}"))

    def keep_the_protected(self, rows: list[int], number: int) -> list[int]:
        """Drop a cluster's rows of every protected split but the most protected one; the rows that stay."""
        present = {self.kept[row].split for row in rows}
        guarded = next((split for split in PROTECTED if split in present), "")
        leaking = [
            row for row in rows if self.kept[row].split in PROTECTED and self.kept[row].split != guarded
        ]
        for row in leaking:
            self.drop(row, f"copy of a face in split {guarded!r} (cluster {number})")
        return [row for row in rows if row not in leaking]

    def settle(self, rows: list[int], number: int) -> None:
        """Give a cluster's rows labels that agree; where they agreed before, drop those that add nothing."""
        agreed, changes = _agreed([self.kept[row] for row in rows])
        seen: dict[tuple[object, ...], int] = {}
        for row in rows:
            sample = self.kept[row]
            first = seen.setdefault(_labels(sample), row)
            if first != row and not changes:
                self.drop(row, f"copy of row {first} with the same labels (cluster {number})")
                continue
            name = sample.duplicate_group or f"audit-{number}"
            self.kept[row] = replace(sample, **agreed, duplicate_group=name)
            if changes:
                self.done.append((row, f"{changes} (cluster {number})"))


def _agreed(members: Sequence[Sample]) -> tuple[dict[str, Any], str]:
    """The labels that contradicting copies get, and in words; nothing where they agree."""
    agreed: dict[str, Any] = {}
    words = []
    ages = [sample.age for sample in members if sample.age is not None]
    if ages and max(ages) - min(ages) > TOLERATED:
        mean, spread = sum(ages) / len(ages), max(1.5, (max(ages) - min(ages)) / 2)
        agreed |= {"age": round(mean, 2), "age_std": round(spread, 2)}
        words.append(f"ages of copies differ ({min(ages):g} to {max(ages):g}): now {mean:.1f} ± {spread:.1f}")
    if len({sample.gender for sample in members if sample.gender}) > 1:
        agreed["gender"] = None
        words.append("genders of copies differ: now unknown")
    return agreed, "; ".join(words)


def _labels(sample: Sample) -> tuple[object, ...]:
    """What must be equal for a copy to add nothing."""
    return sample.split, sample.age, sample.age_low, sample.age_high, sample.age_std, sample.gender
