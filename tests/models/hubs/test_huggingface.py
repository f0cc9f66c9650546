from __future__ import annotations

from pathlib import Path

from agelens.models.bundle import Bundle
from servers.hub import Hub


def test_a_revision_that_is_not_there_is_named(
    hugging_face: Hub, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    hugging_face.push(tiny_bundle)
    uri = f"{hugging_face.uri}@nowhere"
    done = hugging_face.agelens("pull", uri, "--output", tmp_path / "out", code=1)
    assert f"has no {uri}" in done.stderr.splitlines()[-1]


def test_a_file_that_the_bundle_no_longer_has_is_deleted_from_the_repository(
    hugging_face: Hub, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    hugging_face.push(tiny_bundle)
    hugging_face.replace("stray.txt", b"from another tool")
    assert "stray.txt" in hugging_face.pull(tmp_path / "out", code=2).stderr
    hugging_face.push(tiny_bundle)
    hugging_face.pull(tmp_path / "out")
