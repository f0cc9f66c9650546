from __future__ import annotations

from pathlib import Path

from PIL import Image

from agelens.data.readers.agedb import read_agedb
from agelens.labels import Gender


def test_name_age_and_gender_are_in_the_file_name(tmp_path: Path) -> None:
    names = ("0_MariaCallas_35_f.jpg", "7_JohnGielgud_101_m.jpg", "8_X_200_m.jpg", "portrait.jpg")
    for name in names:
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    report = read_agedb(tmp_path, tmp_path / "m.csv")
    maria, john = report.samples
    assert (maria.subject, maria.age, maria.gender) == ("MariaCallas", 35, Gender.FEMALE)
    assert (john.age, john.source) == (100, "agedb")
    assert report.clipped == 1
    assert sorted(problem.where for problem in report.problems) == ["8_X_200_m.jpg", "portrait.jpg"]
