"""``agelens data import``, ``split`` and ``pack`` as a person meets them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.data.pack import Pack
from agelens.errors import AgeLensError, LabelError
from agelens.labels import Gender, Sample


def data(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def error_of(result: Result) -> str:
    """The sentence of wrong use, which the program's ``main`` prints before it exits with 2."""
    assert isinstance(result.exception, AgeLensError), result.output
    assert result.exception.exit_code == 2
    return str(result.exception)


@pytest.fixture
def table(astronaut: Path, tmp_path: Path) -> Path:
    """A CSV with column names of its own beside two images."""
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(astronaut, tmp_path / name)
    path = tmp_path / "labels.csv"
    path.write_text("file,years,sex,bad,smile\na.jpg,36,2,0,y\nb.jpg,104,1,0,n\nother.jpg,3,1,1,n\n")
    return path


def test_a_table_is_imported_and_what_was_read_and_what_was_not_is_said(table: Path, tmp_path: Path) -> None:
    done = data(
        "import", "folder", table, "-o", tmp_path / "m.csv", "--column", "image=file",
        "--column", "age=years", "--column", "gender=sex", "--gender-code", "1=male,2=female",
        "--exclude", "bad=1", "--source-name", "nasa",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    first, second = read_manifest(tmp_path / "m.csv").samples
    assert (first.image, first.age, first.gender, first.source) == ("a.jpg", 36, "female", "nasa")
    assert (second.age, second.gender) == (100, "male")
    assert done.stdout.splitlines() == [
        f"{tmp_path / 'm.csv'}: 2 images; splits: (none) 2",
        "labels read: age 2, gender 2; columns not used: smile",
        "1 ages above 100 years were read as 100",
    ]


def test_rows_left_out_are_named_and_give_exit_code_1(table: Path, tmp_path: Path) -> None:
    options = ("import", "folder", table, "-o", tmp_path / "m.csv", "--column", "image=file")
    done = data(*options)
    assert done.exit_code == 1
    assert "labels.csv row 3: column file: there is no image 'other.jpg'" in done.stderr
    assert "1 rows were left out" in done.stderr
    assert "labels read: none; columns not used: years, sex, bad, smile" in done.stdout
    assert "labels.csv row 3" in error_of(data(*options, "--strict"))


def test_a_gender_code_that_no_column_is_read_by_is_an_error(table: Path, tmp_path: Path) -> None:
    options = ("--column", "image=file", "--gender-code", "1=male,2=female")
    message = error_of(data("import", "folder", table, "-o", tmp_path / "m.csv", *options))
    assert "no column 'gender'" in message
    assert "file, years, sex, bad, smile" in message
    assert not (tmp_path / "m.csv").exists()


@pytest.mark.parametrize(
    ("data_set", "options", "flags"),
    [
        ("utkface", ["--gender-code", "0=male,1=female"], "--gender-code"),
        ("fairface", ["--column", "age=years", "--apparent"], "--column, --apparent"),
        ("agedb", ["--images", "photos"], "--images"),
        ("imdb-wiki", ["--exclude", "bad=1"], "--exclude"),
        ("appa-real", ["--source-name", "mine"], "--source-name"),
        ("lfw", ["--source-name", "mine"], "--source-name"),
        ("competition", ["--column", "age=years"], "--column"),
        ("folder", ["--apparent"], "--apparent"),
    ],
)
def test_an_option_that_the_data_set_does_not_take_is_an_error_before_any_work(
    data_set: str, options: list[str], flags: str, tmp_path: Path
) -> None:
    """The source does not exist, which would be told if it had been looked for."""
    message = error_of(data("import", data_set, tmp_path / "gone", "-o", tmp_path / "m.csv", *options))
    assert message.startswith(f"{flags} cannot be used with the data set '{data_set}'")


def test_wrong_words_are_refused(table: Path, tmp_path: Path) -> None:
    options = ("import", "folder", table, "-o", tmp_path / "m.csv")
    assert "not of the form name=value" in error_of(data(*options, "--column", "image"))
    result = data(*options, "--gender-code", "nonsense")
    assert isinstance(result.exception, LabelError)
    assert "--gender-code" in error_of(data("import", "competition", tmp_path, "-o", tmp_path / "m.csv"))
    unknown = data("import", "nonsense", table, "-o", tmp_path / "m.csv")
    assert unknown.exit_code == 2
    assert "all-age-faces" in unknown.stderr
    table.write_text("image\ngone.jpg\n")
    assert "no row of" in error_of(data(*options))


@pytest.mark.parametrize("command", ["import", "split", "pack", "audit"])
def test_help_is_printed(command: str) -> None:
    done = data(command, "--help")
    assert done.exit_code == 0
    assert "--output" in done.stdout


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    samples = [
        Sample(f"{number}.jpg", age=number % 50, gender=list(Gender)[number % 2], split="train")
        for number in range(40)
    ]
    write_manifest(tmp_path / "m.csv", samples)
    return tmp_path / "m.csv"


def test_a_part_of_one_split_is_set_aside_in_a_manifest_beside(manifest: Path, tmp_path: Path) -> None:
    done = data(
        "split", manifest, "--of", "train", "--ratio", "train=0.75,val=0.25", "-o", tmp_path / "n.csv"
    )
    assert (done.exit_code, done.stdout) == (0, "train 32, val 8\n")
    assert {sample.split for sample in read_manifest(tmp_path / "n.csv").samples} == {"train", "val"}
    assert {sample.split for sample in read_manifest(manifest).samples} == {"train"}
    assert data("split", manifest).stdout == "train 40\n"  # nothing is without a split
    assert data("split", manifest, "--again").stdout == "test 4, train 32, val 4\n"


def test_a_split_is_refused_where_it_would_break_paths_or_drop_an_option(
    manifest: Path, tmp_path: Path
) -> None:
    assert "beside the old" in error_of(data("split", manifest, "-o", tmp_path / "sub" / "n.csv"))
    assert "give one of them" in error_of(data("split", manifest, "--again", "--of", "train"))
    assert "no split 'val'" in error_of(data("split", manifest, "--of", "val"))
    assert "is not of the form" in error_of(data("split", manifest, "--ratio", "train"))


def test_faces_are_packed_through_a_detector_and_faceless_images_named(table: Path, tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.csv", [Sample("a.jpg", age=36), Sample("gone.jpg")])
    done = data("pack", tmp_path / "m.csv", "--size", 32, "-o", tmp_path / "pack", "--detector", "haar")
    assert done.exit_code == 1
    assert done.stdout == f"{tmp_path / 'pack'}: 1 images of 32 × 32\n"
    assert "row 2: " in done.stderr
    assert "1 images were left out" in done.stderr
    assert Pack(tmp_path / "pack").samples[0].age == 36


def test_real_chips_are_imported_split_and_packed(utkface_val: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "chips"
    folder.mkdir()
    for sample in utkface_val.samples[:60]:
        shutil.copy(utkface_val.path(sample), folder)
    (folder / "no_label.jpg").write_bytes(b"x")
    done = data("import", "utkface", folder, "-o", tmp_path / "m.csv")
    assert done.exit_code == 1
    assert "no_label.jpg" in done.stderr
    assert "60 images" in done.stdout
    assert "labels read: age 60, gender 60, group 60\n" in done.stdout
    done = data("split", tmp_path / "m.csv", "--ratio", "train=0.5,val=0.5")
    assert done.stdout == "train 30, val 30\n"
    done = data("pack", tmp_path / "m.csv", "--size", 32, "-o", tmp_path / "pack")
    assert (done.exit_code, len(Pack(tmp_path / "pack"))) == (0, 60)


def test_photos_that_are_packed_whole_are_told(photos: Path, tmp_path: Path) -> None:
    rows = [f"{path},30" for path in sorted(photos.iterdir())]
    (tmp_path / "m.csv").write_text("\n".join(["image,age", *rows]) + "\n")
    done = data("pack", tmp_path / "m.csv", "--size", 32, "-o", tmp_path / "pack")
    assert done.exit_code == 0, done.output
    assert "6 of 6 pictures looked at are no aligned faces" in done.stderr
