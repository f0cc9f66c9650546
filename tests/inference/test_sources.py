from __future__ import annotations

from pathlib import Path

import pytest

from agelens.data.manifest import write_manifest
from agelens.errors import AgeLensError
from agelens.inference.sources import stream
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
