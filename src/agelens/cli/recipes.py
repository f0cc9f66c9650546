"""``agelens recipes``: the experiments that ship with the package, and what each of their keys means."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from agelens.cli.console import table
from agelens.errors import require

app = typer.Typer(invoke_without_command=True)


@app.callback()
def recipes(context: typer.Context) -> None:
    """List the recipes of 'agelens train', or explain one."""
    if context.invoked_subcommand is None:
        list_recipes()


@app.command("list")
def list_recipes() -> None:
    """List the recipes that ship with the package."""
    require("yaml", "train")
    from rich.console import Console
    from rich.text import Text

    from agelens.training.recipe import about, load_recipe, recipe_names

    listed = table("recipe", "size", "epochs", "what it is for", right=("size", "epochs"))
    for name in recipe_names():
        recipe = load_recipe(name)
        purpose = about(name).rstrip(".").split(". ")[0] + "."
        listed.add_row(name, f"{recipe.size} px", str(recipe.epochs), Text(purpose))
    Console().print(listed)


@app.command("show")
def show_recipe(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a YAML file.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Key of the recipe, as optim.lr=1e-4; repeatable.")
    ] = None,
) -> None:
    """Print a recipe whole, every key explained; the output is a recipe itself, to be edited and trained."""
    require("yaml", "train")
    from agelens.training.keys import explained
    from agelens.training.recipe import Recipe, about, load_recipe, recipe_names

    if recipe in recipe_names():
        for line in textwrap.wrap(about(recipe), 108):
            typer.echo(f"# {line}")
    content = load_recipe(recipe, settings or ()).model_dump(mode="json")
    typer.echo(explained(Recipe, content), nl=False)
