from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agelens.data.readers.appa_real import read_appa_real
from agelens.errors import ManifestError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("train/000000.jpg", "train/000000.jpg_face.jpg", "valid/000001.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    head = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
    (tmp_path / "gt_avg_train.csv").write_text(
        head + "000000.jpg,38,5.05,0.04,4\n000009.jpg,38,5,1,4\n000000.jpg,38,x,1,-3\n"
    )
    (tmp_path / "gt_avg_valid.csv").write_text(head + "000001.jpg,39,61.5,6.2,70\n")
    return tmp_path


def test_real_ages_are_exact_and_crops_are_preferred(folder: Path) -> None:
    report = read_appa_real(folder, folder / "m.csv")
    young, old = report.samples
    assert (young.image, young.age, young.age_std) == ("train/000000.jpg_face.jpg", 4, None)
    assert (old.image, old.age, old.split) == ("valid/000001.jpg", 70, "val")
    assert [p.where for p in report.problems] == ["gt_avg_train.csv row 2", "gt_avg_train.csv row 3"]


def test_apparent_ages_carry_their_spread(folder: Path) -> None:
    young, old = read_appa_real(folder, folder / "m.csv", apparent=True).samples
    assert (young.age, young.age_std) == (5.05, 0.5)  # never sharper than half a year
    assert (old.age, old.age_std) == (61.5, 6.2)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="has no gt_avg_train"):
        read_appa_real(tmp_path, tmp_path / "m.csv")
    (tmp_path / "gt_avg_train.csv").write_text("file_name,age\n1.jpg,3\n")
    with pytest.raises(ManifestError, match="no column real_age"):
        read_appa_real(tmp_path, tmp_path / "m.csv")
