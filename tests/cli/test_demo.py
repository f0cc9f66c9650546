from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import AgeLensError


def agelens(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_the_demo_is_launched_with_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("agelens.apps.demo.launch", lambda *values, **named: asked.append((values, named)))
    assert agelens("demo", "--detector", "haar", "--port", 7000).exit_code == 0
    assert asked == [(("embedded", "haar"), {"host": None, "port": 7000})]


def test_a_space_is_written(tmp_path: Path) -> None:
    done = agelens("space", tmp_path / "space", "--title", "Ages", "--package", "agelens @ git+https://a/b")
    assert done.exit_code == 0, done.output
    assert "ready for Hugging Face Spaces" in done.stderr
    assert "title: Ages\n" in (tmp_path / "space" / "README.md").read_text()
    assert (tmp_path / "space" / "requirements.txt").read_text() == "agelens @ git+https://a/b\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--public"], "--public needs --push"),
        (["--push", "kaggle://a/b/onnx/d"], "a Space lies on Hugging Face"),
        (["--push", "nonsense"], "no address of a model"),
    ],
)
def test_wrong_use_of_space_is_said_before_anything_is_written(
    options: list[str], message: str, tmp_path: Path
) -> None:
    error = agelens("space", tmp_path / "space", *options).exception
    assert isinstance(error, AgeLensError)
    assert message in str(error)
    assert not (tmp_path / "space").exists()
