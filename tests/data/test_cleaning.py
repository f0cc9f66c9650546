from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agelens.data.audit import audit_manifest
from agelens.data.cleaning import clean
from agelens.data.manifest import Manifest
from agelens.labels import Gender, Sample

MALE, FEMALE = Gender.MALE, Gender.FEMALE


def test_cleaning_says_per_row_what_it_did(make: Callable[..., Manifest], tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    manifest = make(
        Sample("a.png", age=20, gender=MALE, split="val"),
        Sample("copy-1.png", age=26, gender=FEMALE, split="val"),
        Sample("copy-2.png", age=21, gender=MALE, split="train"),
        Sample("b.png", age=50, gender=FEMALE, split="train"),
        Sample("bad.png", age=3, split="train"),
    )
    kept, done = clean(manifest, audit_manifest(manifest))
    assert [sample.image for sample in kept] == ["a.png", "copy-1.png", "b.png"]
    assert {(s.age, s.age_std, s.gender, s.duplicate_group) for s in kept[:2]} == {(23, 3, None, "audit-1")}
    assert kept[2] == manifest.samples[3]
    assert [row for row, _ in done] == [1, 2, 3, 5]
    assert "now 23.0 ± 3.0" in dict(done)[1]
    assert dict(done)[3] == "dropped: copy of a face in split 'val' (cluster 1)"


def test_agreeing_copies_of_one_split_keep_one(make: Callable[..., Manifest]) -> None:
    first = Sample("a.png", age=20, gender=MALE, split="train")
    manifest = make(first, replace(first, image="copy-1.png"), replace(first, image="copy-2.png"))
    kept, done = clean(manifest, audit_manifest(manifest))
    assert [sample.image for sample in kept] == ["a.png"]
    assert done[0] == (2, "dropped: copy of row 1 with the same labels (cluster 1)")


def test_a_copy_that_says_more_or_is_to_be_answered_is_not_dropped(make: Callable[..., Manifest]) -> None:
    manifest = make(
        Sample("a.png", split="train"),
        Sample("copy-1.png", age=20, gender=MALE, split="train"),
        Sample("copy-2.png", split="unlabelled"),
    )
    kept, done = clean(manifest, audit_manifest(manifest))
    assert [sample.image for sample in kept] == ["a.png", "copy-1.png", "copy-2.png"]
    assert [sample.age for sample in kept] == [None, 20, None]
    assert {sample.duplicate_group for sample in kept} == {"audit-1"}
    assert done == []


def test_contradicting_copies_all_stay_with_a_spread_of_a_year_and_a_half_at_least(
    make: Callable[..., Manifest],
) -> None:
    first = Sample("a.png", age=20, split="train")
    manifest = make(first, replace(first, image="copy-1.png"), replace(first, image="copy-2.png", age=21))
    kept, done = clean(manifest, audit_manifest(manifest))
    assert [(sample.age, sample.age_std) for sample in kept] == [(20.33, 1.5)] * 3
    assert [row for row, _ in done] == [1, 2, 3]
