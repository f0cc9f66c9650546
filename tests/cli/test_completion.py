"""Completion as the shells ask for it: in the protocol of Typer's scripts, and in bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agelens.models.bundle import Bundle

AGELENS = "from agelens.cli.main import app; app(prog_name='agelens')"

#: What completes a line in bash, as it does on a press of Tab.
PRESS_TAB = """
source script.bash
COMP_WORDS=({words}) COMP_CWORD={number}
_agelens_completion agelens
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offered(line: str, **asked: str) -> list[str]:
    """What is offered for the last word of a line, in the protocol of bash."""
    words = line.split(" ")
    environment = os.environ | {
        "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_AGELENS_COMPLETE": "complete_bash",
    }  # fmt: skip
    return run(AGELENS, environment).split()


def run(code: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_commands_options_and_values_are_offered() -> None:
    assert offered("agelens pre") == ["predict"]
    assert offered("agelens data sp") == ["split"]
    assert offered("agelens predict --min") == ["--min-quality"]
    assert offered("agelens predict --detector ") == ["auto", "yunet", "haar", "whole"]


def test_recipes_are_offered_that_ship() -> None:
    from agelens.training.recipe import recipe_names

    assert offered("agelens train --recipe ") == sorted(recipe_names())
    assert offered("agelens train --recipe cnn") == ["cnn-scratch"]


def test_models_are_offered_and_the_bundles_below(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tiny_bundle.folder.parent == tmp_path
    everything = offered("agelens predict --model ")
    assert everything[0] == "embedded"
    assert everything[-1] == "tiny-bundle"
    assert offered("agelens evaluate -m ti") == ["tiny-bundle"]
    assert offered("agelens submit --model ti") == ["tiny-bundle"]
    assert offered("agelens models show ti") == ["tiny-bundle"]


def test_bash_completes_with_the_script_that_is_shown(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    environment = os.environ | {"_AGELENS_COMPLETE": "source_bash"}
    script = run(AGELENS, environment)
    (tmp_path / "script.bash").write_text(script)
    program = tmp_path / "agelens"
    program.write_text(f"#!{sys.executable}\nfrom agelens.cli.main import main\nmain()\n")
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    pressed = PRESS_TAB.format(words="agelens export --", number=2)
    done = subprocess.run(
        [bash, "--norc", "-c", pressed], cwd=tmp_path, env=os.environ | {"PATH": path},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {"--output", "--licence", "--quiet"} <= set(done.stdout.split())
