from __future__ import annotations

from pathlib import Path

import pytest

from agelens.data.csv_table import open_csv
from agelens.errors import ManifestError

ROWS = [{"image": "ä.jpg", "note": "1"}, {"image": "b.jpg", "note": ""}]


@pytest.mark.parametrize(
    "content",
    [
        "image,note\nä.jpg,1\nb.jpg,\n".encode(),
        "image,note\r\nä.jpg,1\r\n\r\nb.jpg\r\n".encode("utf-8-sig"),  # a short row, an empty line
        "image;note\r\nä.jpg;1\r\nb.jpg;;;\r\n".encode(),  # Excel's spare semicolons
        "image\tnote\r\nä.jpg\t1\r\nb.jpg\t\r\n".encode("utf-16"),  # Excel's 'Unicode text'
        "image;note\näxjpg;1\nb.jpg;\n".replace("x", ".").encode("utf-16-be").join([b"\xfe\xff", b""]),
        ' image , note\n"ä.jpg","1"\nb.jpg,""'.encode(),
    ],
    ids=["plain", "mark and CRLF", "semicolons", "UTF-16", "big-endian", "spaces and quotes"],
)
def test_a_table_is_read_however_it_is_written(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    assert list(open_csv(tmp_path / "t.csv", ["image"]).rows()) == ROWS


def test_a_quoted_cell_may_hold_line_breaks_and_delimiters(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'image,note\na.jpg,"one\ntwo; ""three"", four"\nb.jpg,x\n')
    first, second = open_csv(tmp_path / "t.csv").rows()
    assert first["note"] == 'one\ntwo; "three", four'
    assert second == {"image": "b.jpg", "note": "x"}


def test_the_columns_asked_for_tell_the_delimiter(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image;seen (day, hour, place)\na.jpg;x\n")
    assert open_csv(tmp_path / "t.csv", ["image"]).columns == ("image", "seen (day, hour, place)")


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",image\n0,a.jpg\n")  # as pandas writes its index
    assert list(open_csv(tmp_path / "t.csv").rows()) == [{"column_1": "0", "image": "a.jpg"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; a header"),
        (b"\n\n", "is empty; a header"),
        (b"a.jpg\nb.jpg\n", r"has no column image; it has a\.jpg"),
        (b"image,id,id\na.jpg,1,2\n", "more than one column 'id'"),
        (b"image,id\na.jpg,1,2\n", "row 1: more cells"),
        (b"image,id\na.jpg,1\nb\xe4.jpg,2\n", "row 2: is no UTF-8 text; save the table as UTF-8"),
        (b"image,gr\xf6\xdfe\na.jpg,1\n", "the header: is no UTF-8 text"),
        ("image\na.jpg\n".encode("utf-16")[:-1], "UTF-16"),
        ("image\na.jpg\n".encode("utf-16-le"), "is no text"),  # without its mark
        (b"image\n" + b"x" * 200_000, "cannot be read as CSV, row 1"),
    ],
)
def test_what_is_not_read_is_a_sentence(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ManifestError, match=message) as caught:
        list(open_csv(tmp_path / "t.csv", ["image"]).rows())
    assert str(tmp_path / "t.csv") in str(caught.value)


def test_a_table_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such table"):
        open_csv(tmp_path / "none.csv")
    with pytest.raises(ManifestError, match="Is a directory"):
        open_csv(tmp_path)
