from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from PIL import Image

from agelens.data.readers.utkface import read_utkface
from agelens.errors import ManifestError
from agelens.labels import Gender

NAMES = [
    "25_0_2_20170116174525125.jpg.chip.jpg",
    "116_1_3_20170120134744096.jpg.chip.jpg",
    "24_0_1_20170116220224657 .jpg.chip.jpg",  # a stray space, as in the published set
    "61_1_20170109142408075.jpg.chip.jpg",  # no ethnicity, as in the published set
    "44_1_4_2017.jpg",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "utk"
    path.mkdir()
    for name in NAMES:
        Image.new("RGB", (8, 8)).save(path / name, "JPEG")
    return path


def test_labels_come_from_the_name_and_malformed_names_are_told(folder: Path, tmp_path: Path) -> None:
    report = read_utkface(folder, tmp_path / "m.csv")
    first = next(sample for sample in report.samples if sample.age == 25)
    assert (first.gender, first.group, first.source) == (Gender.MALE, "Asian", "utkface")
    assert first.image == f"utk/{NAMES[0]}"
    assert sorted(problem.where for problem in report.problems) == sorted([NAMES[3], NAMES[4]])
    assert len(report.samples) == 3


def test_ages_above_100_are_clipped_and_counted(folder: Path, tmp_path: Path) -> None:
    report = read_utkface(folder, tmp_path / "m.csv")
    assert report.clipped == 1
    assert max(sample.age or 0 for sample in report.samples) == 100


def test_the_table_beside_gives_split_and_duplicates_and_what_it_misses_is_told(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "utkface.csv").write_text(f"file,split,duplicate_group\n{NAMES[0]},val,dup1\ngone.jpg,train,\n")
    report = read_utkface(folder, tmp_path / "m.csv")
    first = next(sample for sample in report.samples if sample.age == 25)
    assert (first.split, first.duplicate_group) == ("val", "dup1")
    assert any(problem.where == "gone.jpg" for problem in report.problems)


def test_a_tar_is_unpacked_beside_the_manifest_once(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "part.tar", "w") as tar:
        for name in NAMES:
            tar.add(folder / name, name)
    report = read_utkface(tmp_path / "part.tar", tmp_path / "out" / "m.csv")
    assert len(report.samples) == 3
    path = tmp_path / "out" / report.samples[0].image
    before = path.stat().st_mtime_ns
    read_utkface(tmp_path / "part.tar", tmp_path / "out" / "m.csv")
    assert path.stat().st_mtime_ns == before


def test_a_tar_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "x.jpg")
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(tmp_path / "x.jpg", "../25_0_2_20170116174525125.jpg")
    with pytest.raises(ManifestError, match="cannot be read"):
        read_utkface(tmp_path / "evil.tar", tmp_path / "out" / "m.csv")
    assert not (tmp_path / "25_0_2_20170116174525125.jpg").exists()


def test_strict_stops_at_the_first_fault(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="--strict"):
        read_utkface(folder, tmp_path / "m.csv", strict=True)


@pytest.mark.parametrize("make", [None, b"no tar at all"])
def test_no_source_and_a_damaged_tar_are_sentences(make: bytes | None, tmp_path: Path) -> None:
    if make is not None:
        (tmp_path / "a.tar").write_bytes(make)
    with pytest.raises(ManifestError, match=r"a\.tar"):
        read_utkface(tmp_path / "a.tar", tmp_path / "m.csv")
