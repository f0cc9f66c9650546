"""What the shell offers for the value of an option, beside the files that it finds itself."""

from __future__ import annotations

from pathlib import Path


def complete_models(incomplete: str) -> list[str]:
    """The project's models that lie here, and the bundles' folders in and below the current one."""
    from agelens.models.catalogue import models_at_hand

    bundles = sorted(str(file.parent) for file in Path().glob("*/bundle.json"))
    return [name for name in (*models_at_hand(), *bundles) if name.startswith(incomplete)]


def complete_recipes(incomplete: str) -> list[str]:
    """The recipes that ship with the package."""
    from importlib import resources

    folder = resources.files("agelens.training") / "recipes"
    names = sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".yaml"))
    return [name for name in names if name.startswith(incomplete)]
