from __future__ import annotations

import csv
import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

import agelens
from agelens.errors import OutputError
from agelens.files import folder_written_whole, resolved, sha256, write_csv, write_text, written_whole


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


def test_a_folder_is_replaced_once_it_is_written_whole(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    for name in ("first", "second"):
        with folder_written_whole(folder) as temporary:
            (temporary / name).touch()
            assert name == "first" or (folder / "first").exists()
    assert [path.name for path in folder.iterdir()] == ["second"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_that_fails_half_way_leaves_the_old_one_and_no_rubbish(tmp_path: Path) -> None:
    folder, killed = tmp_path / "folder", tmp_path / ".folder.partial"
    folder.mkdir()
    (folder / "old").touch()
    killed.mkdir()
    (killed / "left by a killed run").touch()

    def stop_half_way() -> None:
        with folder_written_whole(folder) as temporary:
            assert not list(temporary.iterdir())
            (temporary / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_half_way()
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_csv_is_utf_8_with_line_feeds_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [["ä, b", 'say "so"'], ["two\nlines", None]]
    write_csv(path, ("name", "text"), rows)
    assert path.read_bytes().startswith('name,text\n"ä, b",'.encode())
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["name", "text"], rows[0], ["two\nlines", ""]]


def test_sha256_is_the_standard_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 10_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 10_000).hexdigest()


def test_text_is_written_as_it_is_given(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "år\r\nto\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa5r\r\nto\n"


def test_a_link_stays_a_link_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    for name, goal in (("link", "file"), ("dangling", "new")):
        (tmp_path / name).symlink_to(goal)
        write_text(tmp_path / name, "text")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / goal).read_text() == "text"


def test_a_pipe_and_a_device_are_written_into_and_stay(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "text")
    reader.join(timeout=30)
    assert got == ["text"]
    assert pipe.is_fifo()
    write_text(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_what_cannot_be_written_is_a_sentence_before_the_block(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    package = Path(agelens.__file__).parent
    for path, why in (
        (tmp_path, "is a folder"),
        (tmp_path / "file" / "below", "is no folder"),
        (Path("/proc/nothing/here"), "cannot be written"),
        (package / "assets" / "embedded" / "README.md", "never changed"),
    ):
        with pytest.raises(OutputError, match=why), written_whole(path):
            raise AssertionError("the block began")
    with pytest.raises(OutputError, match="never changed"), folder_written_whole(package / "assets"):
        raise AssertionError("the block began")


def test_a_device_is_written_where_its_folder_may_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) not in (Path("/dev"), tmp_path))
    write_text(Path("/dev/null"), "text")
    with pytest.raises(OutputError, match=rf"no permission for {tmp_path}$"):
        write_text(tmp_path / "file", "text")


def test_a_full_disk_is_a_sentence_and_other_errors_of_the_block_pass(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutputError, match="No space left"), written_whole(tmp_path / "file"):
        raise full
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "file"):
        raise FileNotFoundError
    assert list(tmp_path.iterdir()) == []


def test_a_loop_of_links_is_a_path_like_any_other(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert resolved(loop) == loop
    (tmp_path / "link").symlink_to(tmp_path)
    assert resolved(tmp_path / "link" / "new") == tmp_path / "new"
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(loop / "a.txt", "words")
