from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agelens.data.manifest import COLUMNS, read_manifest, write_manifest
from agelens.errors import ManifestError
from agelens.labels import Gender, Sample

SAMPLES = [
    Sample("a.jpg", age=31, gender=Gender.FEMALE, split="train", source="x", group="Asian", subject="s1"),
    Sample("deep/ä, b.jpg", age_low=20, age_high=29, gender=Gender.MALE, duplicate_group="d"),
    Sample("/absolute/c.jpg", age=40.25, age_std=3.5),
    Sample("d.jpg"),
]


@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    write_manifest(tmp_path / name, SAMPLES)
    manifest = read_manifest(tmp_path / name)
    assert list(manifest.samples) == SAMPLES
    assert manifest.path(SAMPLES[0]) == tmp_path / "a.jpg"
    assert manifest.path(SAMPLES[2]) == Path("/absolute/c.jpg")


def test_a_manifest_needs_only_an_image_column(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("image,age\na.jpg,7\nb.jpg,\n")
    assert read_manifest(tmp_path / "m.csv").samples == (Sample("a.jpg", age=7), Sample("b.jpg"))


def test_every_faulty_row_is_named_with_its_column(tmp_path: Path) -> None:
    rows = [
        "a.jpg,31,,,,female",
        ",31,,,,female",
        "b.jpg,old,,,,female",
        "c.jpg,131,,,,female",
        "d.jpg,,20,,,female",
        "e.jpg,,30,20,,female",
        "f.jpg,,,,2,female",
        "g.jpg,3,,,,1",
        "h.jpg,3,,,0,male",
    ]
    (tmp_path / "m.csv").write_text("image,age,age_low,age_high,age_std,gender\n" + "\n".join(rows) + "\n")
    with pytest.raises(ManifestError) as caught:
        read_manifest(tmp_path / "m.csv")
    text = str(caught.value)
    assert "8 faulty rows" in text
    for line in (
        "row 2: column image: is empty",
        "row 3: column age: 'old' is not a number",
        "row 4: column age: '131' is not within 0..100",
        "row 5: columns age_low, age_high: an interval needs both ends",
        "row 6: columns age_low, age_high: the interval ends before",
        "row 7: column age_std: is given without an age",
        "row 8: column gender",
        "row 9: column age_std",
    ):
        assert line in text


def test_many_faults_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("image,age\n" + "x.jpg,old\n" * 40)
    with pytest.raises(ManifestError, match="and 30 more"):
        read_manifest(tmp_path / "m.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "header"),
        (b"file,age\na.jpg,3\n", "no column image; it has file, age"),
        (b"image,years\na.jpg,3\n", "unknown columns years"),
        (b"image,age\na.jpg,3,4\n", "row 1: more cells"),
        (b"image\n\xff\xfe\n", "UTF-8"),
    ],
)
def test_what_is_no_manifest_says_why(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        read_manifest(tmp_path / "m.csv")


def test_parquet_that_holds_the_images_says_how_to_import_it(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"image": [{"bytes": b"1", "path": "a.jpg"}], "age": [7]}), tmp_path / "m.parquet"
    )
    with pytest.raises(ManifestError, match=r"the images themselves; .* agelens data import parquet"):
        read_manifest(tmp_path / "m.parquet")
    pq.write_table(pa.table({"image": ["a.jpg"], "years": [7]}), tmp_path / "m.parquet")
    with pytest.raises(ManifestError, match="unknown columns years"):
        read_manifest(tmp_path / "m.parquet")
    (tmp_path / "m.parquet").write_bytes(b"PAR1")
    with pytest.raises(ManifestError, match="damaged or cut short"):
        read_manifest(tmp_path / "m.parquet")


def test_a_parquet_manifest_may_hold_numbers(tmp_path: Path) -> None:
    columns = {"image": ["a.jpg", "b.jpg"], "age": [31, None], "gender": pa.array(["male", "female"])}
    columns["gender"] = columns["gender"].dictionary_encode()
    pq.write_table(pa.table(columns), tmp_path / "m.parquet")
    assert read_manifest(tmp_path / "m.parquet").samples == (
        Sample("a.jpg", age=31, gender=Gender.MALE),
        Sample("b.jpg", gender=Gender.FEMALE),
    )


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_missing_manifest_is_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such table"):
        read_manifest(tmp_path / name)
    with pytest.raises(ManifestError, match="is a folder"):
        read_manifest(tmp_path)


def test_an_unknown_split_lists_those_there_are(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.csv", SAMPLES)
    manifest = read_manifest(tmp_path / "m.csv")
    assert len(manifest.of_split("train").samples) == 1
    with pytest.raises(ManifestError, match=r"\(none\) \(3\), train \(1\)"):
        manifest.of_split("test")


def test_the_columns_are_the_contract() -> None:
    assert COLUMNS[:6] == ("image", "age", "age_low", "age_high", "age_std", "gender")
