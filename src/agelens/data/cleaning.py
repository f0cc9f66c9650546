"""Mend what an audit found: drop copies that leak, settle labels that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    kept = dict(enumerate(manifest.samples, start=1))
    done: list[tuple[int, str]] = []

    def drop(row: int, why: str) -> None:
        del kept[row]
        done.append((row, f"dropped: {why}"))

    for finding in found.findings:
        if finding.kind == "unreadable":
            drop(finding.rows[0], finding.detail)
    for number, cluster in enumerate(found.clusters, start=1):
        present = {kept[row].split for row in cluster}
        guarded = next((split for split in PROTECTED if split in present), "")
        for row in cluster:
            if kept[row].split in PROTECTED and kept[row].split != guarded:
                drop(row, f"copy of a face in split {guarded!r} (cluster {number})")
        rows = [row for row in cluster if row in kept]
        agreed, changes = _agreed([kept[row] for row in rows])
        seen: dict[tuple[object, ...], int] = {}
        for row in rows:
            sample = kept[row]
            first = seen.setdefault(_labels(sample), row)
            if first != row and not changes:
                drop(row, f"copy of row {first} with the same labels (cluster {number})")
                continue
            name = sample.duplicate_group or f"audit-{number}"
            kept[row] = replace(sample, **agreed, duplicate_group=name)
            if changes:
                done.append((row, f"{changes} (cluster {number})"))
    return [kept[row] for row in sorted(kept)], sorted(done)


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
