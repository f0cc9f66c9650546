from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agelens.data.readers.folder import read_folder
from agelens.errors import ManifestError
from agelens.labels import Gender, parse_gender_code

CODE = parse_gender_code("0=male,1=female")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in "abcdef":
        Image.new("RGB", (8, 8)).save(folder / f"{name}.jpg")
    return folder


def test_columns_of_any_name_are_mapped(faces: Path, tmp_path: Path) -> None:
    (faces / "labels.csv").write_text(
        "picture,years,sex,person,part\na.jpg,31,1,p7,train\nb.jpg,102,0,,test\n"
    )
    report = read_folder(
        faces / "labels.csv",
        tmp_path / "m.csv",
        columns={"image": "picture", "age": "years", "gender": "sex", "subject": "person", "split": "part"},
        gender_code=CODE,
        source_name="mine",
    )
    first, second = report.samples
    assert (first.image, first.age, first.gender, first.subject) == ("faces/a.jpg", 31, Gender.FEMALE, "p7")
    assert (second.age, second.split, second.source, report.clipped) == (100, "test", "mine", 1)


def test_every_kind_of_fault_is_told_by_row_and_the_others_are_read(faces: Path, tmp_path: Path) -> None:
    rows = [
        "a.jpg,31,female",
        "gone.jpg,31,female",
        "b.jpg,old,female",
        "c.jpg,-3,female",
        "d.jpg,31,robot",
        "a.jpg,31,female",
        "e.jpg,31,",
    ]
    (faces / "l.csv").write_text("image,age,gender\n" + "\n".join(rows) + "\n")
    report = read_folder(faces / "l.csv", tmp_path / "m.csv")
    assert [sample.image for sample in report.samples] == ["faces/a.jpg", "faces/e.jpg"]
    told = [str(problem) for problem in report.problems]
    for number, (row, why) in enumerate(
        [(2, "no image"), (3, "not a number"), (4, "between 0 and"), (5, "robot"), (6, "in row 1 too")]
    ):
        assert told[number].startswith(f"l.csv row {row}: ")
        assert why in told[number]


def test_intervals_and_noisy_ages_stay_what_they_are(faces: Path, tmp_path: Path) -> None:
    (faces / "l.csv").write_text(
        "image,age_low,age_high,age,age_std\n"
        "a.jpg,20,29,,\nb.jpg,,,33,4.5\nc.jpg,29,20,,\nd.jpg,29,,,\ne.jpg,,,,4\nf.jpg,,,33,0\n"
    )
    report = read_folder(faces / "l.csv", tmp_path / "m.csv")
    assert (report.samples[0].age_low, report.samples[0].age_high) == (20, 29)
    assert (report.samples[1].age, report.samples[1].age_std) == (33, 4.5)
    faults = ("ends before", "both ends", "without an age", "'0'")
    for problem, why in zip(report.problems, faults, strict=True):
        assert why in str(problem)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"age": "years"}}, "no column years"),
        ({"columns": {"yaers": "age"}}, "a manifest has no column yaers"),
        ({"exclude": {"bad": "1"}}, "no column bad"),
        ({"strict": True}, "--strict"),
    ],
)
def test_wrong_options_are_sentences(
    options: dict[str, object], message: str, faces: Path, tmp_path: Path
) -> None:
    (faces / "l.csv").write_text("image,age\ngone.jpg,3\n")
    with pytest.raises(ManifestError, match=message):
        read_folder(faces / "l.csv", tmp_path / "m.csv", **options)  # type: ignore[arg-type]


def test_a_table_without_an_image_column_asks_for_it(faces: Path, tmp_path: Path) -> None:
    (faces / "l.csv").write_text("file,age\na.jpg,3\n")
    with pytest.raises(ManifestError, match="--column image=NAME"):
        read_folder(faces / "l.csv", tmp_path / "m.csv")
    (faces / "l.csv").write_text("image,age\n")
    with pytest.raises(ManifestError, match="no rows"):
        read_folder(faces / "l.csv", tmp_path / "m.csv")


def test_appa_real_is_read_as_a_folder(appa_real: Path, tmp_path: Path) -> None:
    folder = appa_real
    report = read_folder(
        folder / "appa_real.csv",
        tmp_path / "m.csv",
        columns={"image": "file", "group": "ethnicity"},
        exclude={"on_ignore_list": "1"},
        source_name="appa-real",
    )
    assert len(report.samples) > 5400
    assert report.problems == []
    assert {sample.split for sample in report.samples} == {"train", "val"}
    assert (tmp_path / report.samples[0].image).is_file()


def test_columns_that_nothing_was_taken_from_are_named(faces: Path, tmp_path: Path) -> None:
    (faces / "l.csv").write_text("number,image,age,bad,smile\n1,a.jpg,31,0,yes\n")
    report = read_folder(faces / "l.csv", tmp_path / "m.csv", exclude={"bad": "1"}, key="number")
    assert report.unused == ["smile"]


def test_a_gender_code_without_a_gender_column_is_refused(faces: Path, tmp_path: Path) -> None:
    (faces / "l.csv").write_text("image,age,sex\na.jpg,31,1\n")
    with pytest.raises(ManifestError, match="image, age, sex holds it: --column gender=NAME"):
        read_folder(faces / "l.csv", tmp_path / "m.csv", gender_code=CODE)
