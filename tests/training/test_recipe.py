from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agelens.errors import RecipeError
from agelens.models.catalogue import resolve
from agelens.training.recipe import Recipe, about, load_recipe, recipe_names, save_recipe

SHARED = Path(os.environ.get("AGELENS_SHARED", Path(__file__).parents[3] / "shared"))


def test_the_recipes_ship_and_load() -> None:
    assert recipe_names() == ["cnn-scratch", "efficientnet-b4", "embedded", "embedded-labels", "flagship"]
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_the_primary_recipe_has_the_competitions_values() -> None:
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
    assert load_recipe(
        "embedded-labels", ["network.widths=[8, 16]", "network.depths=[1, 1]"]
    ).network.widths == (
        8,
        16,
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs=0", "epochs"),
        ("optim.nonsense=3", r"no key 'optim\.nonsense'; 'agelens recipes show NAME' explains them all"),
        ("optimzer.lr=1", r"no key 'optimzer\.lr'; did you mean 'optim\.lr'\?"),
        ("lr=1", r"did you mean 'optim\.lr'\?"),
        ("batchsize=8", r"did you mean 'batch_size'\?"),
        ("network.width=[1]", r"no key 'network\.width'; did you mean 'network\.widths'\?"),
        ("network.kind=transformer", "network"),
        ("epochs", "key=value"),
        ("epochs.more=1", "no keys"),
        ("loss.sigma=-1", r"loss\.sigma"),
        ("network.depths=[1, 1]", "equally long"),
        ("earlier_stages=[{epochs: 0}]", "number 1 of earlier_stages does not fit"),
        ("earlier_stages=[{size: 64}, {optim.speed: 1}]", r"number 2 of earlier_stages(.|\n)*optim\.speed"),
        ("epochs=[", "YAML"),
    ],
)
def test_wrong_overrides_are_named(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("embedded-labels", [override])


def test_a_saved_recipe_loads_to_the_same(tmp_path: Path) -> None:
    for recipe in map(load_recipe, recipe_names()):
        save_recipe(tmp_path / "r.yaml", recipe)
        again = load_recipe(str(tmp_path / "r.yaml"))
        assert again.model_dump(mode="json") == recipe.model_dump(mode="json")
        assert again.stages()[:-1] == recipe.stages()[:-1]


@pytest.mark.parametrize(("content", "message"), [("a: [", "YAML"), ("- 1", "keys"), ("name: x", "network")])
def test_a_wrong_file_says_why(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(content)
    with pytest.raises(RecipeError, match=message):
        load_recipe(str(tmp_path / "r.yaml"))
    with pytest.raises(RecipeError, match="there are cnn-scratch"):
        load_recipe("no-such-recipe")


def test_training_may_begin_small_and_must_end_at_the_networks_size() -> None:
    recipe = load_recipe("embedded-labels", ["progressive={1: 48, 4: 64, 7: 80}", "epochs=9"])
    assert [recipe.size_at(epoch) for epoch in range(1, 10)] == [48] * 3 + [64] * 3 + [80] * 3
    assert load_recipe("embedded").size_at(10) == 72
    assert load_recipe("embedded").size_at(11) == 88
    for faulty in ("{1: 48}", "{2: 48, 3: 80}", "{1: 48, 20: 80}"):
        with pytest.raises(RecipeError, match="own size"):
            load_recipe("embedded-labels", [f"progressive={faulty}", "epochs=9"])


@pytest.mark.parametrize(("setting", "name"), [("name=nan", "nan"), ("name=2e-4", "2e-4"), ("name='5'", "5")])
def test_text_stays_text(setting: str, name: str) -> None:
    assert load_recipe("embedded-labels", [setting]).name == name


def test_numbers_may_be_written_as_python_writes_them() -> None:
    recipe = load_recipe("embedded-labels", ["optim.lr=2e-4", "loss.sigma=1.5e0", "epochs=3"])
    assert (recipe.optim.lr, recipe.loss.sigma, recipe.epochs) == (2e-4, 1.5, 3)


@pytest.mark.parametrize(
    ("hidden", "rates"), [("[256, 128, 64]", "[0.3, 0.2]"), ("[256]", "[0.3, 0.2]"), ("[]", "[]")]
)
def test_a_layer_without_a_dropout_rate_is_refused(hidden: str, rates: str) -> None:
    with pytest.raises(RecipeError, match="dropout rates"):
        load_recipe("efficientnet-b4", [f"network.hidden={hidden}", f"network.head_dropout={rates}"])


def test_the_embedded_recipe_is_the_one_that_made_the_model_inside_the_package() -> None:
    recipe = load_recipe("embedded")
    made = resolve("embedded").spec.model_dump(mode="json")["training"]
    now = recipe.model_dump(mode="json")
    # Its last stage was a run of its own, whose start stood on the command line.
    told = ("also", "teacher", "earlier_stages", "start_from")
    saved = Recipe.model_validate(made["recipe"]).model_dump(mode="json")  # its epochs counted from zero
    then = {key: saved[key] for key in made["recipe"] if key not in told}
    assert {key: now[key] for key in then} == then
    assert made["started_from"] is not None
    first, second, third, last = recipe.stages()
    assert last == recipe
    assert (second.epochs, second.balance, second.optim.lr) == (44, 0.4, 1.5e-3)
    assert (second.augment.cover, second.augment.degrade, second.augment.erase) == (0.15, 0.15, 0.2)
    assert (second.size_at(20), second.size_at(21)) == (72, 88)
    assert (third.epochs, third.balance, third.optim.lr) == (46, 0.3, 1.5e-3)
    assert (third.augment.cover, third.augment.degrade, third.augment.erase) == (0.1, 0.1, 0.2)
    assert (third.size_at(16), third.size_at(17)) == (72, 88)
    assert first.loss.gender == second.loss.gender == third.loss.gender == 1 != last.loss.gender
    assert first.teacher == second.teacher
    assert len({second.teacher, third.teacher, last.teacher}) == 3
    assert (first.size, first.epochs, first.optim.lr, first.balance) == (88, 30, 3e-3, 0.25)
    assert (first.augment.cover, first.augment.degrade, first.augment.erase) == (0, 0, 0.35)
    assert (first.size_at(1), first.size_at(15), first.size_at(23)) == (56, 72, 88)
    assert (first.also, first.loss.teacher) == (recipe.also, recipe.loss.teacher)
    assert len(made["also_sha256"]) == len(recipe.also)
    assert made["started_from"]
    assert made["taught"]


def test_a_recipe_names_its_tables_its_teacher_and_its_start() -> None:
    settings = ["also=[one, two.csv]", "teacher=t.npz", "start_from=runs/b4"]
    recipe = load_recipe("embedded-labels", settings)
    assert recipe.also == (Path("one"), Path("two.csv"))
    assert (recipe.teacher, recipe.start_from) == (Path("t.npz"), "runs/b4")
    plain = load_recipe("embedded-labels")
    assert (plain.also, plain.teacher, plain.start_from, plain.stages()) == ((), None, None, [plain])


def test_the_flagships_recipe_is_the_one_that_made_it() -> None:
    recipe = load_recipe("flagship")
    assert [recipe.size_at(epoch) for epoch in (1, 5, 6, 10, 11, 15)] == [128, 128, 160, 160, 224, 224]
    assert (recipe.epochs, recipe.batch_size, recipe.optim.lr, recipe.loss.teacher) == (15, 256, 1.5e-3, 0.7)
    assert (len(recipe.also), recipe.balance) == (4, 0)
    path = SHARED / "flagship" / "recipe.yaml"
    if not path.exists():
        pytest.skip(f"no {path}")
    files: dict[str, Any] = {"name": True, "also": True, "teacher": True, "network": {"weights"}}
    made, now = (one.model_dump(exclude=files) for one in (load_recipe(str(path)), recipe))
    assert now == made


@pytest.mark.parametrize("name", ["flagship", "embedded"])
def test_recipes_saved_before_are_still_read(name: str) -> None:
    path = SHARED / name / "recipe.yaml"
    if not path.exists():
        pytest.skip(f"no {path}")
    recipe = load_recipe(str(path))
    assert (recipe.size, recipe.loss.teacher, recipe.also, recipe.teacher) == (
        {"flagship": 224, "embedded": 88}[name],
        0.7,
        (),
        None,
    )


def test_what_was_saved_while_epochs_counted_from_zero_means_the_same() -> None:
    old = load_recipe("embedded-labels", ["progressive={0: 48, 3: 64, 6: 80}", "epochs=9"])
    assert old.progressive == {1: 48, 4: 64, 7: 80}
    as_json = Recipe.model_validate({**old.model_dump(mode="json"), "progressive": {"0": 48, "6": 80}})
    assert as_json.progressive == {1: 48, 7: 80}


def test_each_shipped_recipe_says_what_it_is_for() -> None:
    for name in recipe_names():
        assert len(about(name).split()) > 5
        assert not about(name).startswith("#")
