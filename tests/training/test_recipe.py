from __future__ import annotations

from pathlib import Path

import pytest

from agelens.errors import RecipeError
from agelens.training.recipe import load_recipe, recipe_names, save_recipe


def test_the_recipes_ship_and_load() -> None:
    assert recipe_names() == ["cnn-scratch", "efficientnet-b4", "embedded"]
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_the_primary_recipe_carries_the_missions_values() -> None:
    recipe = load_recipe("efficientnet-b4")
    assert (recipe.size, recipe.batch_size, recipe.loss.sigma) == (384, 16, 1.5)
    assert (recipe.optim.lr, recipe.optim.weight_decay) == (2e-4, 0.01)
    assert recipe.network.kind == "efficientnet"
    assert recipe.network.pretrained
    scratch = load_recipe("cnn-scratch")
    assert (scratch.size, scratch.batch_size, scratch.optim.lr, scratch.optim.weight_decay) == (
        384,
        16,
        1e-3,
        1e-4,
    )


def test_overrides_reach_every_section_and_keep_their_types() -> None:
    recipe = load_recipe(
        "efficientnet-b4",
        ["epochs=2", "optim.lr=3e-4", "network.pretrained=false", "augment.erase=0.5", "name=mine"],
    )
    assert (recipe.epochs, recipe.optim.lr, recipe.augment.erase, recipe.name) == (2, 3e-4, 0.5, "mine")
    assert recipe.network.kind == "efficientnet"
    assert not recipe.network.pretrained
    assert load_recipe("embedded-labels", ["network.widths=[8, 16]", "network.depths=[1, 1]"]).network.widths == (
        8,
        16,
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs=0", "epochs"),
        ("optim.speed=3", r"optim\.speed"),
        ("network.kind=transformer", "network"),
        ("epochs", "key=value"),
        ("epochs.more=1", "no keys"),
        ("loss.sigma=-1", r"loss\.sigma"),
        ("epochs=[", "YAML"),
    ],
)
def test_wrong_overrides_are_named(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("embedded-labels", [override])


def test_a_saved_recipe_loads_to_the_same(tmp_path: Path) -> None:
    recipe = load_recipe("embedded-labels", ["optim.lr=1e-5"])
    save_recipe(tmp_path / "r.yaml", recipe)
    assert load_recipe(str(tmp_path / "r.yaml")) == recipe


@pytest.mark.parametrize(("content", "message"), [("a: [", "YAML"), ("- 1", "keys"), ("name: x", "network")])
def test_a_wrong_file_says_why(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(content)
    with pytest.raises(RecipeError, match=message):
        load_recipe(str(tmp_path / "r.yaml"))
    with pytest.raises(RecipeError, match="there are cnn-scratch"):
        load_recipe("no-such-recipe")


def test_training_may_begin_small_and_must_end_at_the_networks_size() -> None:
    recipe = load_recipe("embedded-labels", ["progressive={0: 48, 3: 64, 6: 80}", "epochs=9"])
    assert [recipe.size_at(epoch) for epoch in range(9)] == [48] * 3 + [64] * 3 + [80] * 3
    assert load_recipe("embedded").size_at(5) == 80
    for faulty in ("{0: 48}", "{1: 48, 3: 80}", "{0: 48, 20: 80}"):
        with pytest.raises(RecipeError, match="own size"):
            load_recipe("embedded-labels", [f"progressive={faulty}", "epochs=9"])
