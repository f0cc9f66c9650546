from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.data.audit import audit_manifest, copies_between, without_face
from agelens.data.manifest import Manifest
from agelens.faces.detection.haar import Haar
from agelens.labels import Gender, Sample

MALE, FEMALE = Gender.MALE, Gender.FEMALE


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


@pytest.mark.parametrize(
    ("zeros", "ones", "spiked"), [(10, 0, False), (11, 0, True), (12, 4, False), (13, 4, True)]
)
def test_a_spike_is_many_faces_of_the_last_age_and_few_of_the_one_beside(
    zeros: int, ones: int, spiked: bool
) -> None:
    """The images need not exist: ages are judged by the table alone."""
    ages = [*[0] * zeros, *[1] * ones, *[40] * 30]
    samples = tuple(Sample(f"gone-{number}.png", age=age) for number, age in enumerate(ages))
    kinds = audit_manifest(Manifest(samples, Path("nowhere"))).count()
    assert ("spike of ages" in kinds) is spiked


def test_images_without_a_face_are_named_and_unreadable_ones_are_not(
    make: Callable[..., Manifest], astronaut: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    manifest = make(Sample("bad.png"), Sample("a.png"), Sample(str(astronaut)))
    told: list[int] = []
    (finding,) = without_face(manifest, Haar(), told.append)
    assert (finding.kind, finding.rows, finding.detail) == ("no face found", (2,), "by the detector haar")
    assert told == [1, 2, 3]


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


def test_faces_shared_with_another_manifest_are_named(make: Callable[..., Manifest]) -> None:
    ours = make(Sample("a.png", age=20), Sample("b.png", age=20))
    theirs = make(Sample("copy-1.png"), Sample("c.png"))
    (finding,) = copies_between(ours, theirs)
    assert (finding.rows, finding.detail) == ((1,), "copy-1.png")
