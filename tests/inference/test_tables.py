from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agelens.data.parquet_table import ImageRow
from agelens.errors import ManifestError
from agelens.inference.tables import is_table, own_columns, read_rows


def test_csv_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "t.CSV").write_text("id;image\n7; a.jpg \n8;\n")
    pq.write_table(pa.table({"id": ["7", "8"], "image": ["a.jpg", None]}), tmp_path / "t.parquet")
    expected = [ImageRow(1, "a.jpg", None, {"id": "7"}), ImageRow(2, "", None, {"id": "8"})]
    assert list(read_rows(tmp_path / "t.CSV")) == list(read_rows(tmp_path / "t.parquet")) == expected


def test_bytes_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    pq.write_table(pa.table({"bytes": [b"1", b"2"]}), tmp_path / "t.parquet")
    assert [row.content for row in read_rows(tmp_path / "t.parquet")] == [b"1", b"2"]
    assert [row.content for row in read_rows(tmp_path / "t.parquet", contents=False)] == [None, None]


def test_a_table_without_rows_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image\n")
    pq.write_table(pa.table({"image": pa.nulls(0, pa.string())}), tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        with pytest.raises(ManifestError, match=f"{name} holds no rows"):
            list(read_rows(tmp_path / name))


def test_own_columns_are_those_of_all_tables_among_the_sources(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image,id,age\n")
    pq.write_table(pa.table({"image": [b""], "id": [7], "score": [0.5]}), tmp_path / "b.parquet")
    sources = [tmp_path / "a.csv", str(tmp_path), tmp_path / "b.parquet", tmp_path / "gone.parquet", "x.jpg"]
    assert own_columns(sources) == {"id": str, "age": str, "score": pa.float64()}
    assert [is_table(one) for one in sources] == [True, False, True, False, False]
