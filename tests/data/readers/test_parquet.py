from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from agelens.data.manifest import Manifest, write_manifest
from agelens.data.readers.folder import read_folder
from agelens.data.readers.parquet import read_parquet
from agelens.errors import ManifestError
from agelens.labels import Gender, Sample


def picture(kind: str = "JPEG", shade: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), shade).save(file, kind)
    return file.getvalue()


FILES = [picture(), picture("PNG"), picture("WEBP", 9)]


def hugging_face(path: Path, files: list[bytes | None] = FILES, **columns: Any) -> None:
    """A table as ``datasets`` writes it, its genders numbers whose words it notes."""
    features = {"image": {"_type": "Image"}, "gender": {"names": ["Female", "Male"], "_type": "ClassLabel"}}
    held = [{"bytes": one, "path": "x.jpg"} for one in files]
    table = pa.table({"image": held, "age": [31, 7, 104], "gender": [0, 1, -1]} | columns)
    noted = {"huggingface": json.dumps({"info": {"features": features}})}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(noted), path)


def test_images_are_written_out_and_labels_read_by_their_words(tmp_path: Path) -> None:
    hugging_face(tmp_path / "hf" / "train.parquet", camera=["a", "b", "c"])
    for _ in range(2):  # the same images a second time are left as they are
        report = read_parquet(tmp_path / "hf" / "train.parquet", tmp_path / "m.csv", source_name="mine")
    names = [f"m-images/train/000000{number}" for number in (1, 2, 3)]
    assert report.samples == [
        Sample(f"{names[0]}.jpg", 31, gender=Gender.FEMALE, source="mine"),
        Sample(f"{names[1]}.png", 7, gender=Gender.MALE, source="mine"),
        Sample(f"{names[2]}.webp", 100, source="mine"),
    ]
    assert (report.clipped, report.unused, report.problems) == (1, ["camera"], [])
    write_manifest(tmp_path / "m.csv", report.samples)
    manifest = Manifest(tuple(report.samples), tmp_path)
    assert [manifest.path(one).read_bytes() for one in report.samples] == FILES


def test_a_folder_of_tables_and_a_folder_of_ones_own(tmp_path: Path) -> None:
    for split in ("train", "test"):
        hugging_face(tmp_path / "hf" / split / "0000.parquet")
    report = read_parquet(tmp_path / "hf", tmp_path / "work" / "m.csv", images=tmp_path / "out")
    assert [Path(one.image).relative_to(tmp_path).as_posix() for one in report.samples[::3]] == [
        "out/test/0000/0000001.jpg",
        "out/train/0000/0000001.jpg",
    ]
    with pytest.raises(ManifestError, match=r"holds no \.parquet file"):
        read_parquet(tmp_path / "out", tmp_path / "m.csv")


def test_columns_are_mapped_and_rows_passed_over(tmp_path: Path) -> None:
    columns = {"photo": FILES, "years": [1, 2, 3], "sex": [0, 1, 0], "camera": ["a", "b", "a"]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    report = read_parquet(
        tmp_path / "t.parquet",
        tmp_path / "m.csv",
        columns={"image": "photo", "age": "years", "gender": "sex"},
        gender_code={"0": Gender.MALE, "1": Gender.FEMALE},
        exclude={"camera": "b"},
    )
    assert [(one.age, one.gender) for one in report.samples] == [(1, Gender.MALE), (3, Gender.MALE)]
    with pytest.raises(ManifestError, match="has no column image"):
        read_parquet(tmp_path / "t.parquet", tmp_path / "m.csv")
    with pytest.raises(ManifestError, match="has no column old"):
        read_parquet(tmp_path / "t.parquet", tmp_path / "m.csv", columns={"image": "photo", "age": "old"})


def test_faulty_rows_are_named_and_left_out(tmp_path: Path) -> None:
    hugging_face(tmp_path / "t.parquet", [FILES[0], b"no image", None], age=["31", "7", "8"])
    report = read_parquet(tmp_path / "t.parquet", tmp_path / "m.csv")
    assert len(report.samples) == 1
    second, third = map(str, report.problems)
    assert second.startswith("t.parquet row 2: column image: is no image in a known format")
    assert third == "t.parquet row 3: column image: there is no image 'x.jpg'"
    Image.new("RGB", (8, 8)).save(tmp_path / "x.jpg")
    assert len(read_parquet(tmp_path / "t.parquet", tmp_path / "m.csv").samples) == 2
    with pytest.raises(ManifestError, match="row 2"):
        read_parquet(tmp_path / "t.parquet", tmp_path / "m.csv", strict=True)


def test_an_image_that_is_another_is_not_replaced(tmp_path: Path) -> None:
    hugging_face(tmp_path / "t.parquet")
    mine = tmp_path / "m-images" / "t" / "0000002.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(ManifestError, match="is another image already; name an empty folder with --images"):
        read_parquet(tmp_path / "t.parquet", tmp_path / "m.csv")
    assert mine.read_bytes() == b"mine"


def test_the_reader_of_csv_names_this_one(tmp_path: Path) -> None:
    hugging_face(tmp_path / "t.parquet")
    with pytest.raises(ManifestError, match="agelens data import parquet"):
        read_folder(tmp_path / "t.parquet", tmp_path / "m.csv")
