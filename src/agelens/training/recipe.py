"""A recipe: one typed YAML file that states an experiment whole, saved beside every result it made."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from agelens.errors import RecipeError
from agelens.files import write_text
from agelens.nn.config import LossConfig, NetworkConfig
from agelens.training.augment import AugmentConfig
from agelens.training.keys import unknown_keys

_SHIPPED = Path(__file__).with_name("recipes")


class OptimConfig(BaseModel, extra="forbid", frozen=True):
    """AdamW under a cosine that ends at zero."""

    lr: float = Field(default=1e-3, gt=0, description="learning rate at its highest")
    weight_decay: float = Field(default=1e-4, ge=0, description="not applied to biases and norms")
    warmup_epochs: float = Field(
        default=0.0, ge=0, description="epochs in which the rate rises; parts of one count"
    )
    clip_norm: float = Field(
        default=1.0, ge=0, description="largest norm of the gradient; 0 turns clipping off"
    )
    ema_decay: float = Field(
        default=0.0, ge=0, lt=1, description="of the averaged weights; 0 turns averaging off"
    )


class Recipe(BaseModel, extra="forbid", frozen=True):
    """One experiment: the network, what it learns from, and how. Paths are relative to where it is run."""

    name: str = Field(description="of the recipe")
    network: NetworkConfig = Field(description="the network: its kind, and the keys of that kind")
    size: int = Field(default=384, ge=16, description="side of the network's input, pixels")
    mean: tuple[float, float, float] = Field(
        default=(0.485, 0.456, 0.406), description="of RGB in 0..1; ImageNet's"
    )
    std: tuple[float, float, float] = Field(
        default=(0.229, 0.224, 0.225), description="of RGB in 0..1; ImageNet's"
    )
    also: tuple[Path, ...] = Field(
        default=(), description="further manifests or packs, whose split 'train' is learnt too"
    )
    teacher: Path | None = Field(default=None, description="soft answers (.npz) learnt beside the labels")
    start_from: str | None = Field(
        default=None,
        description="weights to train on: an earlier run, its checkpoint, or a model with weights",
    )
    earlier_stages: tuple[dict[str, Any], ...] = Field(
        default=(), description="stages to train first, each the keys (optim.lr) that differ from this one"
    )
    progressive: dict[int, int] = Field(
        default={}, description="epoch (1 is the first): side of the training images from then on, pixels"
    )
    epochs: int = Field(default=5, ge=1, description="how often all images are learnt")
    patience: int = Field(
        default=0,
        ge=0,
        description="epochs without a better score on 'val' that end the training; 0 trains all",
    )
    batch_size: int = Field(default=16, ge=1, description="images learnt at once, on each device")
    augment: AugmentConfig = Field(
        default=AugmentConfig(), description="random changes of the training images"
    )
    loss: LossConfig = Field(
        default=LossConfig(), description="what is learnt, and how much each part counts"
    )
    optim: OptimConfig = Field(default=OptimConfig(), description="the optimiser, AdamW under a cosine")
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = Field(
        default="auto",
        description="of the arithmetic; auto: bfloat16 where the hardware multiplies it natively",
    )
    compile: bool = Field(default=False, description="torch.compile: faster after a minute's warm-up")
    workers: int = Field(default=2, ge=0, description="loader processes; 0 loads in the training process")
    limit_train: int = Field(default=0, ge=0, description="images of an epoch, for trials; 0 takes all")
    balance: float = Field(
        default=0.0, ge=0, le=1, description="0 draws every image once, 1 draws all ages equally often"
    )
    seed: int = Field(default=0, description="of all that is random; the same seed draws the same")

    @model_validator(mode="before")
    @classmethod
    def _epochs_from_one(cls, content: Any) -> Any:
        """Read what was saved while ``progressive`` counted epochs from zero."""
        sides = content.get("progressive") if isinstance(content, dict) else None
        if not isinstance(sides, dict) or not any(str(epoch) == "0" for epoch in sides):
            return content
        return {**content, "progressive": {int(epoch) + 1: side for epoch, side in sides.items()}}

    @model_validator(mode="after")
    def _stages_fit(self) -> Recipe:
        if self.progressive and (min(self.progressive) != 1 or self.size_at(self.epochs) != self.size):
            raise ValueError("progressive must begin at epoch 1 and end with the network's own size")
        self.stages()  # an earlier stage that is no recipe is named here, before any work begins
        return self

    @property
    def initial_weights(self) -> str:
        """What the network starts from, unless it goes on from an earlier run or a file's weights."""
        return "ImageNet (timm)" if getattr(self.network, "pretrained", False) else "random"

    def size_at(self, epoch: int) -> int:
        """The side of the training images in an epoch, pixels (progressive learning, Tan & Le 2021).

        The first epoch is 1.
        """
        begun = [start for start in self.progressive if start <= epoch]
        return self.progressive[max(begun)] if begun else self.size

    def stages(self) -> list[Recipe]:
        """The recipes to train one after another, each from the weights before it; the last is this one."""
        stages: list[Recipe] = []
        for number, changes in enumerate(self.earlier_stages, start=1):
            content = self.model_dump(mode="json", exclude={"earlier_stages"})
            for key, value in changes.items():
                _set(content, key, value)
            stages += _validated(content, f"number {number} of earlier_stages").stages()
        return [*stages, self]


def recipe_names() -> list[str]:
    """The recipes that ship with the package."""
    return sorted(file.stem for file in _SHIPPED.glob("*.yaml"))


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a shipped recipe by name or any by path, then apply ``section.key=value`` overrides.

    Values are YAML: ``epochs=3``, ``optim.lr=2e-4``, ``network.pretrained=false``, ``augment.erase=0.25``.

    Raises:
        RecipeError: no such recipe, an unknown key, or a value out of range.
    """
    file = Path(name_or_path)
    if name_or_path in recipe_names() or not file.is_file():
        file = recipe_file(name_or_path)
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(f"{name_or_path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{name_or_path} must hold the keys of a recipe, not a {type(content).__name__}")
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator or not key:
            raise RecipeError(f"--set {override!r} is not of the form key=value")
        try:
            _set(content, key, yaml.safe_load(value))
        except yaml.YAMLError as error:
            raise RecipeError(f"--set {override!r}: the value is not valid YAML: {error}") from error
    return _validated(content, f"recipe {name_or_path!r}")


def save_recipe(path: Path, recipe: Recipe) -> None:
    """Write a recipe as YAML that ``load_recipe`` reads back to the same."""
    write_text(path, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def recipe_file(name: str) -> Path:
    """The YAML file of a shipped recipe.

    Raises:
        RecipeError: there is no such recipe.
    """
    if name not in (names := recipe_names()):
        raise RecipeError(f"no recipe {name!r}; there are {', '.join(names)}, or name a YAML file")
    return _SHIPPED / f"{name}.yaml"


def about(name: str) -> str:
    """What a shipped recipe is for, as the comment at the head of its file says."""
    lines = recipe_file(name).read_text("utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in itertools.takewhile(_is_comment, lines))


def faults_of(error: ValidationError) -> list[str]:
    """What is wrong with the content of a file, each by its key."""
    return [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]


def _validated(content: Mapping[str, Any], name: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        faults = unknown_keys(Recipe, content, error) or faults_of(error)
        raise RecipeError("\n  ".join([f"{name} does not fit:", *faults])) from error


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    """Set ``section.key`` in the content of a recipe."""
    *sections, last = key.split(".")
    for name in sections:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            raise RecipeError(f"{key} cannot be set: {name} has no keys of its own")
    content[last] = value


def _is_comment(line: str) -> bool:
    return line.startswith("#")
