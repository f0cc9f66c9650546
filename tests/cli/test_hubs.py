from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import AgeLensError
from agelens.models.bundle import Bundle


def agelens(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_push_hands_the_bundle_its_address_and_its_notes_on(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def push(bundle: Bundle, uri: object, *, private: bool, notes: str) -> str:
        asked.append((bundle.folder, str(uri), private, notes))
        return "https://hub/there"

    monkeypatch.setattr("agelens.models.hubs.push", push)
    for options in ([], ["--public", "--notes", "better"]):
        assert agelens("push", tiny_bundle.folder, "hf://a/b", *options).stdout == "https://hub/there\n"
    assert asked == [
        (tiny_bundle.folder, "hf://a/b", True, ""),
        (tiny_bundle.folder, "hf://a/b", False, "better"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["push", "embedded", "kaggle://a/b/onnx/d", "--public"], "--public is for Hugging Face"),
        (["push", "embedded", "nonsense"], "no address of a model"),
        (["push", "nonsense", "hf://a/b"], "no model 'nonsense'"),
        (["pull", "embedded"], "no address of a model"),
    ],
)
def test_wrong_use_is_a_sentence(arguments: list[str], message: str) -> None:
    error = agelens(*arguments).exception
    assert isinstance(error, AgeLensError)
    assert message in str(error)


def test_pull_prints_the_folder(tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, Path | None]] = []
    monkeypatch.setattr(
        "agelens.models.hubs.pull", lambda uri, output: asked.append((uri, output)) or tiny_bundle
    )
    assert agelens("pull", "hf://a/b", "-o", tmp_path).stdout == f"{tiny_bundle.folder}\n"
    assert asked == [("hf://a/b", tmp_path)]
