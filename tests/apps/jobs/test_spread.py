from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agelens.apps.jobs.spread import RowGroup, fetched, packed, read_row_groups, spread, unpacked
from agelens.errors import ManifestError
from agelens.inference.sources import ImageRef

OWN = {"id": pa.int64(), "path": str}


def test_sources_are_images_and_row_groups_in_their_order(
    chips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"image": [b"1"] * 5, "id": range(5)}), "t.parquet", row_group_size=2)
    Path("m.csv").write_text("image,id\na.jpg,1\n")
    pieces, own = spread(["s3://b/a.jpg", "t.parquet", f"file://{tmp_path}/t.parquet", "m.csv"])
    local = [
        RowGroup("t.parquet", str(tmp_path / "t.parquet"), group, first, rows)
        for group, first, rows in ((0, 1, 2), (1, 3, 2), (2, 5, 1))
    ]
    assert pieces[0] == ImageRef("s3://b/a.jpg", "s3://b/a.jpg")
    assert pieces[1:4] == local
    assert [type(one) for one in pieces[4:]] == [RowGroup] * 3 + [ImageRef]
    assert own == {"id": str}


def test_images_survive_their_way(tmp_path: Path) -> None:
    images = [
        ImageRef("a.jpg", str(tmp_path / "\udcff.jpg"), {"id": 7, "path": "x"}),
        ImageRef("t#2", b"\xff", {"id": None, "path": None}),
        ImageRef("t#3", b"", {"id": 9, "path": "y"}, "t#3: holds no image"),
        ImageRef("b.jpg", "s3://b/b.jpg", {"id": None, "path": None}),
    ]
    table = packed(images, OWN)
    assert list(unpacked(table, OWN)) == images
    assert table.schema == packed([ImageRef("c.jpg", Path("c.jpg"))], OWN).schema
    assert packed(images, {}).column_names == ["image", "path", "bytes", "error"]


def test_a_row_group_is_read_where_it_lies(tmp_path: Path) -> None:
    held = {"image": ["a.jpg", "b.jpg", None], "bytes": [None, b"2", None], "id": [7, 8, 9]}
    pq.write_table(pa.table(held), tmp_path / "t.parquet", row_group_size=2)
    for path in (str(tmp_path / "t.parquet"), f"file://{tmp_path}/t.parquet"):
        groups = pa.Table.from_pylist(
            [
                {"name": "t.parquet", "path": path, "group": group, "first": 2 * group + 1, "rows": 1}
                for group in (0, 1)
            ]
        )
        own = {"id": pa.int64()}
        images = [one for table in read_row_groups(groups, own) for one in unpacked(table, own)]
        assert [one.name for one in images] == ["a.jpg", "b.jpg", "t.parquet#3"]
        assert images[0].source == path.replace("t.parquet", "a.jpg")
        assert [one.row for one in images] == [{"id": 7}, {"id": 8}, {"id": 9}]
        assert "holds no image" in str(images[2].error)


def test_what_lies_at_an_address_is_fetched_or_says_why_not(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    assert fetched(ImageRef("a", f"file://{tmp_path}/a.jpg")).source == b"1"
    assert str(fetched(ImageRef("b", f"file://{tmp_path}/b.jpg")).error).startswith("b: ")
    here = ImageRef("a", str(tmp_path / "a.jpg"))
    assert fetched(here) is here
    with pytest.raises(ManifestError, match="cannot be read"):
        spread([f"file://{tmp_path}/gone.parquet"])
