from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agelens.data.parquet_table import ImageRow, ParquetTable
from agelens.errors import ManifestError, MissingExtraError

FILES = [b"one", None, b"three"]
PATHS = ["a.jpg", "b.jpg", None]
HUGGING_FACE = [{"bytes": held, "path": path} for held, path in zip(FILES, PATHS, strict=True)]


def rows(columns: dict[str, Any], path: Path, **options: Any) -> list[ImageRow]:
    pq.write_table(pa.table(columns), path / "t.parquet", row_group_size=2)
    return list(ParquetTable(path / "t.parquet").rows(**options))


@pytest.mark.parametrize(
    ("columns", "paths", "files"),
    [
        ({"image": HUGGING_FACE}, ["a.jpg", "b.jpg", ""], FILES),
        ({"image": [*HUGGING_FACE[:2], None]}, ["a.jpg", "b.jpg", ""], [b"one", None, None]),
        ({"image": pa.array(FILES, pa.large_binary())}, [""] * 3, FILES),
        ({"bytes": FILES}, [""] * 3, FILES),
        ({"image": PATHS, "bytes": FILES}, ["a.jpg", "b.jpg", ""], FILES),
        ({"image": pa.array(PATHS).dictionary_encode()}, ["a.jpg", "b.jpg", ""], [None] * 3),
        ({"image": pa.nulls(3), "bytes": FILES}, [""] * 3, FILES),
        ({"image": pa.array([b"1", b"2", b"3"], pa.binary(1))}, [""] * 3, [b"1", b"2", b"3"]),
    ],
    ids=["struct", "null struct", "large", "bytes", "beside", "dictionary", "null", "fixed"],
)
def test_images_are_found_in_every_layout(columns: Any, paths: Any, files: Any, tmp_path: Path) -> None:
    found = rows(columns | {"id": [7, 8, 9]}, tmp_path)
    assert [row.path for row in found] == paths
    assert [row.content for row in found] == files
    assert [(row.number, row.values) for row in found] == [(1, {"id": 7}), (2, {"id": 8}), (3, {"id": 9})]
    named = rows(columns, tmp_path, contents=False)
    assert [(row.number, row.path, row.content) for row in named] == [
        (number, path, None) for number, path in enumerate(paths, start=1)
    ]
    assert [(row.number, row.path) for row in rows(columns, tmp_path, row_groups=[1], first=3)] == [
        (3, paths[2])
    ]


def test_bytes_that_are_a_number_are_no_image(tmp_path: Path) -> None:
    assert rows({"image": ["a.jpg"], "bytes": [1234]}, tmp_path) == [
        ImageRow(1, "a.jpg", None, {"bytes": 1234})
    ]


def test_columns_of_every_type_come_as_python_has_them(tmp_path: Path) -> None:
    day = datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC)
    columns = {
        "text": pa.array(["ä"], pa.large_string()),
        "kind": pa.array(["new"]).dictionary_encode(),
        "day": pa.array([day], pa.timestamp("ns", "UTC")),
        "took": pa.array([timedelta(seconds=1.5)], pa.duration("ns")),
        "price": pa.array([Decimal("1.50")], pa.decimal128(5, 2)),
        "deep": pa.array([{"seen": [day], "kind": "x"}], pa.struct(
            [("seen", pa.list_(pa.timestamp("ns", "UTC"))), ("kind", pa.dictionary(pa.int8(), pa.string()))]
        )),
        "tags": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "half": pa.array([0.5], pa.float16()),
        "raw": [b"\xff"],
        "nothing": pa.nulls(1),
    }  # fmt: skip
    (row,) = rows({"image": ["a.jpg"]} | columns, tmp_path)
    assert row.values == {
        "text": "ä", "kind": "new", "day": day, "took": timedelta(seconds=1.5), "price": Decimal("1.50"),
        "deep": {"seen": [day], "kind": "x"}, "tags": [("a", 1)], "half": 0.5, "raw": b"\xff",
        "nothing": None,
    }  # fmt: skip
    kinds = ParquetTable(tmp_path / "t.parquet").kinds
    for name, value in row.values.items():
        assert pa.array([value], kinds[name]).to_pylist() == [value]


def test_names_and_texts_that_are_no_utf_8_are_read(tmp_path: Path) -> None:
    odd = pa.array([b"\xff.jpg", b"b.jpg"]).view(pa.string())
    first, second = rows({"image": odd, "note": odd}, tmp_path)
    assert (first.path, first.values) == ("\udcff.jpg", {"note": "\\xff.jpg"})
    assert (second.path, second.values) == ("b.jpg", {"note": "b.jpg"})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"file": ["a.jpg"]}, "has no column image; it has file"),
        ({"image": [[b"a"]]}, r"column image: is of the type list<.*images are paths"),
        ({"image": [{"path": "a.jpg"}]}, "column image: is of the type struct"),
        ({"image": ["a.jpg"], "day": pa.array([10**15], pa.timestamp("ms"))}, "rows 1 to 1, column day: "),
    ],
)
def test_what_cannot_be_read_is_a_sentence(columns: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=message):
        rows(columns, tmp_path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a.jpg"]), pa.array([1]), pa.array([2])], ["image", "id", "id"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(ManifestError, match="more than one column 'id'"):
        ParquetTable(tmp_path / "t.parquet")


def test_damaged_files_are_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"image": [bytes(range(256)) * 9] * 99}), path, use_dictionary=False)
    whole = path.read_bytes()
    for content in (b"", b"no table at all", whole[:-9], b"PAR1" + b"\0" * 50 + b"PAR1"):
        path.write_bytes(content)
        with pytest.raises(ManifestError, match="cannot be read as Parquet; it is damaged or cut short"):
            ParquetTable(path)
    path.write_bytes(whole[:4] + b"x" * 40 + whole[44:])
    with pytest.raises(ManifestError, match="cannot be read as Parquet; it is damaged or cut short"):
        list(ParquetTable(path).rows())
    with pytest.raises(ManifestError, match="no such table"):
        ParquetTable(tmp_path / "none.parquet")


def test_without_pyarrow_a_sentence_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"agelens\[jobs\]"):
        ParquetTable(tmp_path / "t.parquet")


def test_the_words_of_hugging_faces_class_labels_are_found(tmp_path: Path) -> None:
    features = {"sex": {"names": ["f", "m"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    table = pa.table({"image": HUGGING_FACE, "sex": [0, 1, -1]})
    noted = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(noted), tmp_path / "t.parquet")
    assert ParquetTable(tmp_path / "t.parquet").class_names == {"sex": ["f", "m"]}
    pq.write_table(table.replace_schema_metadata({"huggingface": "[]"}), tmp_path / "t.parquet")
    assert ParquetTable(tmp_path / "t.parquet").class_names == {}


#: Tells how many MB a process holds at most while it reads a table.
READ = """
import resource, sys
from pathlib import Path
from agelens.data.parquet_table import ParquetTable
count = sum(len(row.content) for row in ParquetTable(Path(sys.argv[1])).rows())
print(count // 10**6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_row_group_larger_than_what_is_read_at_once_is_not_held_whole(tmp_path: Path) -> None:
    def most(images: int) -> int:
        path = tmp_path / f"{images}.parquet"
        kind = pa.schema([("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))])
        with pq.ParquetWriter(path, kind, use_dictionary=False, compression="none") as file:
            table = pa.table({"image": [{"bytes": bytes(20_000), "path": "a.jpg"}] * images}, kind)
            file.write_table(table, row_group_size=images)
        done = subprocess.run(
            [sys.executable, "-c", READ, str(path)], check=True, capture_output=True, text=True
        )
        read, held = map(int, done.stdout.split())
        assert read == images * 20_000 // 10**6
        return held

    assert most(12_000) < most(3_000) + 60  # 240 MB in one row group, and 60
