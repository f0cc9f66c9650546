from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agelens.cli.main import app

ROOT = Path(__file__).parents[2]


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


def documented() -> list[str]:
    """Every command in the README and the docs, continued lines joined."""
    lines: list[str] = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.DOTALL):
            lines += block.replace("\\\n", " ").splitlines()
    calls = [
        line[line.index("agelens ") :] for line in lines if re.match(r"(\S*&& )?(OMP\S+ )?agelens ", line)
    ]
    # What stands before a command's name is no command's.
    calls = [re.sub(r"^agelens (-\S+ )+(?=\w)", "agelens ", call) for call in calls]
    return [call for call in calls if re.match(r"agelens \w", call) and not {"…", "$"} & set(call)]


@pytest.mark.parametrize("line", documented())
def test_every_documented_command_is_one(line: str) -> None:
    _, *words = shlex.split(line.split(" && ", maxsplit=1)[0], comments=True)
    path: tuple[str, ...] = ()
    while words and (*path, words[0]) in ALL:
        path, words = (*path, words[0]), words[1:]
    ALL[path].make_context(path[-1], words, resilient_parsing=False)  # type: ignore[attr-defined]


def test_the_documented_commands_are_found() -> None:
    assert len(documented()) > 50
