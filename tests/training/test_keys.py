from __future__ import annotations

from pathlib import Path

import pytest

from agelens.training.keys import explained, keys_of, nearest
from agelens.training.recipe import Recipe, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_key_of_a_recipe_is_explained(name: str) -> None:
    content = load_recipe(name).model_dump(mode="json")
    keys = dict(keys_of(Recipe, content))
    assert all(keys.values()), [key for key, meaning in keys.items() if not meaning]
    assert {"name", "network", "network.kind", "optim.lr", "augment.flip", "loss.sigma"} <= keys.keys()
    assert set(content) <= keys.keys()
    assert {f"network.{key}" for key in content["network"]} <= keys.keys()


@pytest.mark.parametrize("name", recipe_names())
def test_an_explained_recipe_is_the_recipe(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    (tmp_path / "r.yaml").write_text(explained(Recipe, recipe.model_dump(mode="json")))
    assert load_recipe(str(tmp_path / "r.yaml")).model_dump(mode="json") == recipe.model_dump(mode="json")


def test_the_nearest_key_is_alike_or_of_the_same_last_part() -> None:
    known = ["epochs", "optim", "optim.lr", "network.dropout"]
    assert nearest("epoch", known) == "epochs"
    assert nearest("lr", known) == "optim.lr"
    assert nearest("dropuot", known) == "network.dropout"
    assert nearest("colour", known) is None
