from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agelens.cli import console, verbosity
from agelens.cli.main import app


def stderr_of(*arguments: object, yunet: Path) -> str:
    environment = os.environ | {"AGELENS_YUNET": str(yunet)}
    command = [sys.executable, "-m", "agelens", *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert "female" in done.stdout
    return done.stderr


def test_a_command_says_nothing_unless_it_is_asked_to(astronaut: Path, yunet: Path) -> None:
    assert stderr_of("predict", astronaut, yunet=yunet) == ""


@pytest.mark.parametrize("before", [True, False])
def test_verbose_says_what_is_done_and_twice_how_long_it_takes(
    before: bool, astronaut: Path, yunet: Path
) -> None:
    def said(flag: str) -> str:
        words = [flag, "predict", astronaut] if before else ["predict", astronaut, flag]
        return stderr_of(*words, yunet=yunet)

    once, twice = said("-v"), said("-vv")
    assert once.startswith("agelens: model embedded from ")
    assert " ms" not in once
    assert "512 × 512 pixels, faces: 1, found in " in twice
    assert astronaut.name not in twice  # neither names nor answers, whatever the level
    assert "female" not in twice


@pytest.mark.parametrize(
    "arguments", [("-q", "models"), ("models", "list", "-q"), ("models", "show", "--quiet")]
)
def test_quiet_may_be_said_of_every_command(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, list(arguments)).exit_code == 0
    assert verbosity.is_quiet()


def test_quiet_wins_and_keeps_remarks_back_but_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    verbosity.choose(2, True)
    assert verbosity.LOGGER.level == logging.ERROR
    console.remark("good to know")
    console.tell_failures(["a.jpg: cannot be read"])
    assert capsys.readouterr().err == "agelens: a.jpg: cannot be read\n"


def test_quiet_draws_no_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("rich.progress.Progress.__enter__", lambda self: drawn.append("bar") or self)
    for quiet in (False, True):
        verbosity.choose(0, quiet)
        with console.progress("reading", 3) as advance:
            advance(3)
    assert drawn == ["bar"]


def test_a_command_that_has_more_to_tell_keeps_to_what_was_chosen() -> None:
    verbosity.LOGGER.setLevel(logging.NOTSET)
    verbosity.tell_by_default(logging.INFO)
    assert verbosity.LOGGER.level == logging.INFO
    verbosity.choose(0, True)
    verbosity.tell_by_default(logging.INFO)
    assert verbosity.is_quiet()
