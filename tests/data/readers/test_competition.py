from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agelens.data.readers.competition import read_competition
from agelens.errors import ManifestError
from agelens.labels import parse_gender_code

CODE = parse_gender_code("0=male,1=female")


@pytest.fixture
def competition(tmp_path: Path) -> Path:
    folder = tmp_path / "face_dataset"
    for part, count in (("train", 4), ("test", 2)):
        (folder / part).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (8, 8)).save(folder / part / f"{number:05d}.jpg")
    (folder / "train.csv").write_text(
        "id,full_path,age,gender\n0,train/00000.jpg,31,1\n1,train/00001.jpg,5,0\n"
        "1,train/00002.jpg,6,0\n3,train/00003.jpg,,0\n"
    )
    (folder / "test.csv").write_text("id,full_path\n0,test/00000.jpg\n1,test/00001.jpg\n")
    return folder


@pytest.mark.parametrize(("code", "gender"), [("0=male,1=female", "female"), ("0=female,1=male", "male")])
def test_the_competition_is_read_with_the_code_it_is_told(
    code: str, gender: str, competition: Path, tmp_path: Path
) -> None:
    report = read_competition(competition, tmp_path / "m.csv", gender_code=parse_gender_code(code))
    assert report.samples[0].gender == gender
    assert [(sample.image, sample.split) for sample in report.samples] == [
        ("face_dataset/train/00000.jpg", ""),
        ("face_dataset/train/00001.jpg", ""),
        ("face_dataset/test/00000.jpg", "unlabelled"),
        ("face_dataset/test/00001.jpg", "unlabelled"),
    ]
    assert ["'1' is in row 2 too" in str(report.problems[0]), "is empty" in str(report.problems[1])] == [
        True,
        True,
    ]


def test_the_competition_without_a_code_or_a_table_is_refused(competition: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="--gender-code"):
        read_competition(competition, tmp_path / "m.csv", gender_code=None)
    with pytest.raises(ManifestError, match=r"no train\.csv"):
        read_competition(tmp_path, tmp_path / "m.csv", gender_code=CODE)
