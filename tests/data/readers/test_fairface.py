from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agelens.data.readers.fairface import parse_interval, read_fairface
from agelens.errors import LabelError, ManifestError
from agelens.labels import Gender


def test_ages_come_as_intervals_and_faults_by_row(tmp_path: Path) -> None:
    for name in ("train/1.jpg", "train/2.jpg", "val/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "fairface_label_train.csv").write_text(
        "file,age,gender,race,service_test\n"
        "train/1.jpg,3-9,Male,East Asian,False\n"
        "train/2.jpg,old,Female,Indian,True\n"
        "train/3.jpg,20-29,Female,White,False\n"
    )
    (tmp_path / "fairface_label_val.csv").write_text(
        "file,age,gender,race,service_test\nval/1.jpg,more than 70,Female,Black,False\n"
    )
    report = read_fairface(tmp_path, tmp_path / "m.csv")
    young, old = report.samples
    assert (young.age_low, young.age_high, young.gender) == (3, 9, Gender.MALE)
    assert (young.group, young.split, young.source) == ("East Asian", "train", "fairface")
    assert (old.age_low, old.age_high, old.split, old.age) == (70, 100, "val", None)
    assert [problem.where for problem in report.problems] == [
        "fairface_label_train.csv row 2",
        "fairface_label_train.csv row 3",
    ]
    with pytest.raises(ManifestError, match="row 2"):
        read_fairface(tmp_path, tmp_path / "m.csv", strict=True)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="has neither"):
        read_fairface(tmp_path, tmp_path / "m.csv")


@pytest.mark.parametrize("text", ["", "29-20", "90-120", "more than 101", "about 30"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(LabelError, match="is not an interval"):
        parse_interval(text)
