from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.data.audit import audit_manifest, copies_between
from agelens.data.cleaning import clean
from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.data.soft_labels import write_soft_labels
from agelens.labels import Gender, Sample

MALE, FEMALE = Gender.MALE, Gender.FEMALE


def picture(path: Path, seed: int, side: int = 80) -> None:
    """A picture of its own: squares with sharp edges."""
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((side, side), Image.Resampling.NEAREST).save(path)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Manifest]:
    def make(*samples: Sample) -> Manifest:
        for sample in samples:
            name = sample.image
            if name.startswith("copy"):
                shutil.copyfile(tmp_path / "a.png", tmp_path / name)
            elif not (tmp_path / name).exists():
                picture(tmp_path / name, seed=sum(name.encode()), side=30 if "tiny" in name else 80)
        return Manifest(samples, tmp_path)

    return make


def test_copies_that_cross_splits_or_contradict_are_found(make: Callable[..., Manifest]) -> None:
    manifest = make(
        Sample("a.png", age=20, gender=MALE, split="train"),
        Sample("b.png", age=30, gender=MALE, split="train"),
        Sample("copy-1.png", age=26, gender=FEMALE, split="test"),
        Sample("tiny.png", age=4, split="val"),
    )
    report = audit_manifest(manifest)
    found = {finding.kind: finding for finding in report.findings}
    assert report.clusters == ((1, 3),)
    assert found["exact copies"].rows == (1, 3)
    assert found["copies cross splits"].detail == "test and train"
    assert found["copies of different age"].detail == "20 to 26 years"
    assert found["copies of different gender"].rows == (1, 3)
    assert found["tiny"].rows == (4,)
    assert "unreadable" not in found
    assert report.balance["20s"] == {"male": 1, "female": 1}


def test_unreadable_blurred_and_spiked_are_found(make: Callable[..., Manifest], tmp_path: Path) -> None:
    Image.fromarray(np.linspace(0, 255, 80, dtype=np.uint8)[None].repeat(80, 0)).save(tmp_path / "soft.png")
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    many = [Sample(f"{n}.png", age=0) for n in range(12)]
    report = audit_manifest(make(Sample("soft.png", age=40), Sample("bad.png", age=5), *many))
    found = {finding.kind: finding for finding in report.findings}
    assert found["blurred"].rows == (1,)
    assert found["unreadable"].rows == (2,)
    assert found["spike of ages"].rows == tuple(range(3, 15))
    assert json.dumps(report.to_dict())


def test_a_subject_in_two_splits_is_found(make: Callable[..., Manifest]) -> None:
    manifest = make(
        Sample("a.png", subject="ann", split="train"),
        Sample("b.png", subject="ann", split="test"),
        Sample("c.png", subject="bob", split="train"),
    )
    (finding,) = audit_manifest(manifest).findings
    assert (finding.kind, finding.rows, finding.detail) == (
        "subject crosses splits",
        (1, 2),
        "ann: test and train",
    )


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


def test_faces_shared_with_another_manifest_are_named(make: Callable[..., Manifest]) -> None:
    ours = make(Sample("a.png", age=20), Sample("b.png", age=20))
    theirs = make(Sample("copy-1.png"), Sample("c.png"))
    (finding,) = copies_between(ours, theirs)
    assert (finding.rows, finding.detail) == ((1,), "copy-1.png")


def test_the_command_prints_writes_and_exits_1(make: Callable[..., Manifest], tmp_path: Path) -> None:
    first = Sample("a.png", age=20, gender=MALE, split="train")
    write_manifest(tmp_path / "m.csv", make(first, replace(first, image="copy-1.png")).samples)

    def command(*options: object) -> subprocess.CompletedProcess[str]:
        base = [sys.executable, "-m", "agelens", "data", "audit", str(tmp_path / "m.csv")]
        return subprocess.run([*base, *map(str, options)], check=False, capture_output=True, text=True)

    done = command("--output", tmp_path / "audit.json", "--fix", tmp_path / "clean.csv")
    assert done.returncode == 1, done.stderr
    assert "exact copies" in done.stdout
    assert json.loads((tmp_path / "audit.json").read_text())["clusters"] == [[1, 2]]
    assert len(read_manifest(tmp_path / "clean.csv").samples) == 1
    (change,) = csv.DictReader((tmp_path / "clean.changes.csv").open())
    assert (change["row"], change["image"]) == ("2", "copy-1.png")
    assert "2 of" not in command("--against", tmp_path / "clean.csv").stdout
    elsewhere = command("--fix", tmp_path / "sub" / "clean.csv")
    assert elsewhere.returncode == 2
    assert "beside the old" in elsewhere.stderr


def test_more_is_looked_for_where_asked(
    make: Callable[..., Manifest], astronaut: Path, tmp_path: Path
) -> None:
    shutil.copyfile(astronaut, tmp_path / "face.png")
    samples = (Sample("face.png", age=95, gender=MALE), Sample("a.png", age=20, gender=MALE))
    write_manifest(tmp_path / "m.csv", make(*samples).samples)
    far = np.zeros((1, 101))
    far[0, 36] = 1
    write_soft_labels(tmp_path / "oof.npz", [tmp_path / "face.png"], far, np.array([[0.01, 0.99]]))
    options = ["--detector", "haar", "--answers", tmp_path / "oof.npz", "--plot", tmp_path / "balance.png"]
    command = [sys.executable, "-m", "agelens", "data", "audit", tmp_path / "m.csv"]
    done = subprocess.run(
        [*command, "-o", tmp_path / "a.json", *options],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "answers 1 of 2 rows" in done.stderr
    found = json.loads((tmp_path / "a.json").read_text())["findings"]
    assert [(f["kind"], f["rows"]) for f in found] == [("no face found", [2]), ("suspected age", [1])]
    assert Image.open(tmp_path / "balance.png").width > 600
    done = subprocess.run(
        [*command, "-o", tmp_path / "b.json", "--detector", "haar", "--model", "embedded"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = json.loads((tmp_path / "b.json").read_text())["findings"]
    assert ("suspected age", [1]) in [(f["kind"], f["rows"]) for f in found]
