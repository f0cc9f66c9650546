from __future__ import annotations

import os
from pathlib import Path

import pytest

from agelens.errors import AgeLensError
from agelens.inference.folders import PassedOver
from agelens.inference.sources import stream, survey


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
