from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import RecipeError
from agelens.training.recipe import load_recipe, recipe_names


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["recipes", *arguments], env={"COLUMNS": "120"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_every_recipe_is_listed_with_its_purpose() -> None:
    lines = run().splitlines()
    assert run("list").splitlines() == lines
    for name in recipe_names():
        (line,) = (line for line in lines if line.split()[:1] == [name])
        assert f"{load_recipe(name).size} px" in line


def test_a_recipe_that_is_shown_is_one_to_train_with(tmp_path: Path) -> None:
    shown = run("show", "embedded-labels", "--set", "epochs=3")
    assert "# learning rate at its highest" in shown
    assert shown.startswith("# The network of the model inside the package")
    (tmp_path / "mine.yaml").write_text(shown)
    assert load_recipe(str(tmp_path / "mine.yaml")) == load_recipe("embedded-labels", ["epochs=3"])
    assert "epochs: 3" in run("show", str(tmp_path / "mine.yaml"))
    with pytest.raises(RecipeError, match="there are cnn-scratch"):
        run("show", "nonsense")


def test_recipes_are_listed_and_shown_without_torch() -> None:
    for arguments in (["recipes"], ["recipes", "show", "embedded"]):
        code = f"import sys; from agelens.cli.main import app; app({arguments}, standalone_mode=False); "
        code += "assert not {'torch', 'lightning', 'timm'} & sys.modules.keys()"
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
