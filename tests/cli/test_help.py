from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from agelens.cli.main import app


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command below one, by the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


def test_the_commands_are_found() -> None:
    assert {("predict",), ("data", "import"), ("models", "show"), ("push",), ("serve",)} <= ALL.keys()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_as_it_is_written(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    shown = " ".join(done.output.split())
    for parameter in ALL[path].params:  # type: ignore[attr-defined]
        assert parameter.help or parameter.name == "help"
        assert " ".join((parameter.help or "").split()) in shown  # also its brackets


def test_the_first_page_names_each_command() -> None:
    done = CliRunner().invoke(app, ["--help"])
    for path in ALL:
        assert not path or f"\n  {path[0]} " in done.output
