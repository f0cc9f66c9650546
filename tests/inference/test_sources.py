from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agelens.data.manifest import write_manifest
from agelens.errors import AgeLensError, OutputError
from agelens.inference.sources import ImageRef, stream, survey
from agelens.labels import Sample


def test_a_folder_is_walked_in_an_order_that_repeats(chips: Path) -> None:
    (chips / "notes.txt").write_text("no image")
    names = [one.name for one in stream([chips])]
    assert len(names) == 40
    assert names == sorted(names) == [one.name for one in stream([str(chips)])]


def test_a_manifest_names_images_as_it_does_and_finds_them_beside_itself(chips: Path) -> None:
    write_manifest(chips.parent / "m.csv", [Sample("chips/0/000.jpg"), Sample("chips/1/001.jpg")])
    found = list(stream([chips.parent / "m.csv"]))
    assert [one.name for one in found] == ["chips/0/000.jpg", "chips/1/001.jpg"]
    assert all(Path(str(one.source)).is_file() for one in found)


def test_a_tables_rows_are_named_by_their_path_or_their_number(chips: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(chips.parent)
    held = {"image": ["chips/0/000.jpg", None, "s3://bucket/a.jpg", None], "bytes": [None, b"1", None, None]}
    pq.write_table(pa.table(held | {"id": [1, 2, 3, 4]}), "t.parquet")
    path, content, address, nothing = stream(["t.parquet"])
    assert path == ImageRef("chips/0/000.jpg", Path("chips/0/000.jpg"), {"id": 1})
    assert content == ImageRef("t.parquet#2", b"1", {"id": 2})
    assert address == ImageRef("s3://bucket/a.jpg", "s3://bucket/a.jpg", {"id": 3})
    assert nothing.error == "t.parquet#4: the row holds no image, neither its bytes nor its path"
    assert survey(["t.parquet"], None, None)[0] == 4


def test_a_table_may_have_any_columns_and_labels_are_not_checked(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,age,customer\na.jpg,old,Ä\n")
    (image,) = stream([tmp_path / "t.csv"])
    assert image == ImageRef("a.jpg", tmp_path / "a.jpg", {"age": "old", "customer": "Ä"})


def test_a_picture_beside_the_table_that_holds_it_is_not_drawn_over(chips: Path) -> None:
    table = chips / "0" / "t.parquet"
    pq.write_table(pa.table({"image": ["000.jpg"], "bytes": [b"1"]}), table)
    with pytest.raises(OutputError, match="drawn over"):
        survey([table], None, table.parent)


def test_globs_files_and_missing_files(chips: Path) -> None:
    assert len(list(stream([f"{chips}/**/*1.jpg"]))) == 4
    assert [one.name for one in stream(["gone.jpg"])] == ["gone.jpg"]
    with pytest.raises(AgeLensError, match="no file matches"):
        list(stream([f"{chips}/*.bmp"]))
    (chips / "empty").mkdir()
    with pytest.raises(AgeLensError, match="holds no images"):
        list(stream([chips / "empty"]))


def test_outputs_that_would_replace_an_input_are_refused(chips: Path, tmp_path: Path) -> None:
    one = chips / "0" / "000.jpg"
    (tmp_path / "more").mkdir()
    table = tmp_path / "more" / "m.csv"
    write_manifest(table, [Sample(str(one))])
    link = tmp_path / "more" / one.name
    link.symlink_to(one)
    for sources, output in (([one], one), ([chips], one), ([table], table), ([table], one), ([one], link)):
        with pytest.raises(OutputError, match="is an input"):
            survey(sources, output, None)
    with pytest.raises(OutputError, match="drawn over"):
        survey([table], None, one.parent)
    assert survey([table, one], tmp_path / "new.csv", tmp_path / "drawn")[0] == 2


def test_a_name_that_is_no_utf_8_is_written_as_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.jpg")).touch()
    (image,) = stream([tmp_path])
    assert image.name == f"{tmp_path}/\\xff.jpg"
    assert isinstance(image.source, Path)
    assert image.source.exists()
