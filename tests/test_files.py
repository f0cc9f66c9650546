from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from agelens.files import sha256, write_text, written_whole


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def stop_half_way() -> None:
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_have_the_rights_of_ordinary_files_and_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.txt"
    write_text(path, "ä")
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    assert path.read_text(encoding="utf-8") == "ä"


def test_sha256_is_the_standard_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 10_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 10_000).hexdigest()


def test_text_is_written_as_it_is_given(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "år\r\nto\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa5r\r\nto\n"
