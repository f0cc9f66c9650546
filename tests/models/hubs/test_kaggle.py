from __future__ import annotations

from pathlib import Path

from agelens.models.bundle import Bundle
from servers.base import Fault
from servers.hub import Hub, contents


def test_an_upload_cut_in_the_middle_is_finished(kaggle: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    kaggle.faults.append(Fault("/upload/", cut_after=100))
    kaggle.push(tiny_bundle)
    assert kaggle.faults[0].times == 0
    kaggle.pull(tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tiny_bundle.folder)


def test_more_files_than_one_list_holds_are_refused(kaggle: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    kaggle.push(tiny_bundle)
    kaggle.server.state.next_page = "more"  # type: ignore[attr-defined]
    assert "more files" in kaggle.pull(tmp_path / "out", code=2).stderr
    assert not any(path.startswith("/files/") for _, path, _ in kaggle.requests)


def test_a_version_cannot_be_chosen(kaggle: Hub, tiny_bundle: Bundle) -> None:
    done = kaggle.agelens("push", tiny_bundle.folder, kaggle.uri + "/3", code=1)
    assert "leave the version out" in done.stderr


def test_another_framework_than_kaggles_is_a_sentence(kaggle: Hub, tmp_path: Path) -> None:
    done = kaggle.agelens("pull", "kaggle://owner/agelens/nonsense/tiny", "-o", tmp_path / "out", code=1)
    assert done.stderr.startswith("agelens: kaggle://owner/agelens/nonsense/tiny: ")
    assert kaggle.requests == []
