from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import agelens
from agelens.data.manifest import read_manifest, write_manifest
from agelens.data.pack import Pack, write_pack
from agelens.data.soft_labels import read_soft_labels, write_soft_labels
from agelens.errors import ManifestError
from agelens.faces.images import resize_to_square

Script = Callable[[str], ModuleType]


@pytest.fixture
def packs(synthetic: Path, tmp_path: Path) -> list[Path]:
    """Two packs, in each of which some faces are not of ``train``."""
    table = read_manifest(synthetic)
    faces = [replace(sample, image=str(table.path(sample))) for sample in table.samples]
    train, val = ([one for one in faces if one.split == split] for split in ("train", "val"))
    for name, samples in (("a", [*val[:3], *train[:6]]), ("b", [*train[6:10], *val[3:5]])):
        write_manifest(tmp_path / f"{name}.csv", samples)
        write_pack(read_manifest(tmp_path / f"{name}.csv"), tmp_path / f"pack-{name}", 24)
    return [tmp_path / "pack-a", tmp_path / "pack-b"]


def test_a_model_answers_the_training_faces_alone_and_joins_other_teachers(
    packs: list[Path], tmp_path: Path, script: Script
) -> None:
    second, output = script("second_teacher"), tmp_path / "both.npz"
    arguments = [str(packs[0]), "--also", str(packs[1]), "--model", "embedded", "--output", str(output)]
    second.main(arguments)
    taught = [(pack, row) for pack in map(Pack, packs) for row in range(len(pack))]
    taught = [(pack, row) for pack, row in taught if pack.samples[row].split == "train"]
    images = [Path(pack.samples[row].image) for pack, row in taught]
    crops = [resize_to_square(pack[row], 88) for pack, row in taught]
    expected = agelens.load("embedded", "whole").read_faces(crops, flip=True)
    alone = read_soft_labels(output)
    assert len(alone.rows) == len(images) == 10
    np.testing.assert_allclose(alone.of(images).age, expected.age, atol=1e-3)

    other_age, other_gender = np.eye(101)[[30] * 10], np.tile([0.0, 1.0], (10, 1))
    write_soft_labels(tmp_path / "other.npz", images[::-1], other_age, other_gender)
    second.main([*arguments, "--with", str(tmp_path / "other.npz")])
    both = read_soft_labels(output).of(images)
    np.testing.assert_allclose(both.age, (expected.age + other_age) / 2, atol=1e-3)
    np.testing.assert_allclose(both.gender, (expected.gender + other_gender) / 2, atol=1e-3)

    write_soft_labels(tmp_path / "third.npz", images, np.eye(101)[[60] * 10], other_gender)
    second.main([*arguments, "--with", str(tmp_path / "other.npz"), "--with", str(tmp_path / "third.npz")])
    three = read_soft_labels(output).of(images)
    np.testing.assert_allclose(three.age, (expected.age + other_age + np.eye(101)[[60] * 10]) / 3, atol=1e-3)

    write_soft_labels(tmp_path / "few.npz", images[1:], other_age[1:], other_gender[1:])
    with pytest.raises(ManifestError, match="knows nothing of 1 training images"):
        second.main([*arguments, "--with", str(tmp_path / "few.npz")])
