from __future__ import annotations

import os
from pathlib import Path

import pytest

from agelens.data.manifest import write_manifest
from agelens.errors import AgeLensError, OutputError
from agelens.inference.sources import PassedOver, stream, survey
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


def test_a_folder_gives_its_images_by_name_or_content_and_counts_what_else_it_holds(
    chips: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    (folder / "deep").mkdir(parents=True)
    chip = (chips / "0" / "000.jpg").read_bytes()
    for name in ("a.jpg", "b.AVIF", "c.heic", "photo", "d.jpg_large", "deep/e.png"):
        (folder / name).write_bytes(chip)
    for name in ("notes.txt", "more.TXT", "README", ".hidden", "._a.jpg"):
        (folder / name).write_text("words")
    (folder / "film.mov").touch()
    passed_over = PassedOver()
    found = [os.path.relpath(one.name, folder) for one in stream([folder], passed_over)]
    assert found == ["a.jpg", "b.AVIF", "c.heic", "d.jpg_large", "deep/e.png", "photo"]
    assert (passed_over.kinds, passed_over.videos) == ({".txt": 2, "without a suffix": 1}, 1)
    videos, others = passed_over.sentences()
    assert "videos (1)" in videos
    assert others.endswith("no images: .txt (2), without a suffix (1)")
    assert survey([folder], None, None) == (6, passed_over)
    assert PassedOver().sentences() == []


def test_a_folder_that_cannot_be_opened_costs_itself_unless_it_was_named(
    chips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def guarded(path: str) -> object:
        if Path(path).name == "1":  # root, whom tests may run as, is let in anywhere
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    passed_over = PassedOver()
    assert len(list(stream([chips], passed_over))) == 20
    assert passed_over.sentences() == [
        f"the folder {chips}/1 cannot be opened: Permission denied; what is in it was passed over"
    ]
    with pytest.raises(AgeLensError, match="1 cannot be opened: Permission denied"):
        list(stream([chips / "1"]))
