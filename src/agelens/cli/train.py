"""``agelens train``: fit a recipe on a manifest into a run folder."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Annotated

import typer

from agelens.cli.completion import complete_recipes
from agelens.cli.console import remark, rich_table
from agelens.cli.verbosity import tell_by_default
from agelens.errors import require

#: The figures of the best epoch that are printed.
_SHOWN = ("score", "mae", "rmse", "gender_accuracy", "gender_macro_f1", "age_kl", "gender_ce")


def train(
    manifest: Annotated[Path, typer.Option(help="Manifest, or the folder of a pack.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run, as runs/NAME.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe: cnn-scratch, efficientnet-b4, embedded, embedded-labels, flagship, or a YAML file.",
            show_default="efficientnet-b4; with --resume the run's own",
            autocompletion=complete_recipes,
        ),
    ] = None,
    also: Annotated[
        list[Path] | None, typer.Option(help="Further table to learn, in place of the recipe's; repeatable.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Soft answers (.npz) to learn, in place of the recipe's 'teacher'.")
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(help="What to fine-tune: a run, a checkpoint, 'embedded', or a model with its weights."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Key of the recipe, as optim.lr=1e-4; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a stop or a kill.")] = False,
    accelerator: Annotated[str, typer.Option(help="Lightning accelerator: auto, cpu, gpu or tpu.")] = "auto",
    devices: Annotated[str, typer.Option(help="Number of devices, or 'auto'.")] = "auto",
    num_nodes: Annotated[int, typer.Option(min=1, help="Number of machines of a distributed run.")] = 1,
    strategy: Annotated[str, typer.Option(help="Lightning strategy: auto, ddp, ddp_spawn, …")] = "auto",
    test: Annotated[
        bool, typer.Option("--test", help="Measure the best epoch on split 'test' at the end.")
    ] = False,
    loggers: Annotated[
        list[str] | None,
        typer.Option(
            "--logger",
            help="Logger: trackio, csv, tensorboard, wandb or mlflow; repeatable.",
            show_default="trackio",
        ),
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Space that TrackIO logs to, owner/name.", show_default="this machine")
    ] = None,
) -> None:
    """Train a network; the epoch with the best score on split 'val' is kept.

    'agelens recipes' lists the recipes and explains their keys. 'trackio show' opens the dashboard.
    """
    for module in ("torch", "lightning", "timm", "torchmetrics", "yaml"):
        require(module, "train")
    from agelens.files import check_local
    from agelens.training.fit import LoggingTo, fit
    from agelens.training.provenance import Hardware
    from agelens.training.recipe import load_recipe
    from agelens.training.run import RunFolder

    check_local(output)
    _set_up_logging()
    paths = {"also": also, "teacher": teacher, "start_from": start_from}
    # JSON is YAML, and quotes whatever a path may hold.
    changes = (f"{key}={json.dumps(value, default=str)}" for key, value in paths.items() if value)
    began_with = RunFolder(output).recipe_file
    default = str(began_with) if resume and began_with.is_file() else "efficientnet-b4"
    experiment = load_recipe(recipe or default, [*(settings or ()), *changes])
    hardware = Hardware(accelerator, int(devices) if devices.isdigit() else devices, num_nodes, strategy)
    logging_to = LoggingTo(loggers or (), space)
    figures = fit(
        experiment, manifest, output, resume=resume, hardware=hardware, test=test, logging_to=logging_to
    )
    if figures:  # the main process's, of several
        _print(figures)
        remark(f"the best epoch is kept; next: agelens export {output} --output BUNDLE")


def _set_up_logging() -> None:
    """Log our own messages to stderr, and Lightning's only where something went wrong."""
    tell_by_default(logging.INFO)
    for name in ("lightning.pytorch", "lightning.fabric"):  # each line twice, and advertisements
        logging.getLogger(name).setLevel(logging.WARNING)
    # No advice for us: torchmetrics has gathered the figures of all processes before they are logged.
    warnings.filterwarnings("ignore", message="It is recommended to use `self.log")
    # A resumed run's own checkpoints; another's are refused before.
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    # Lightning's own, for Lightning to mend.
    warnings.filterwarnings("ignore", message=r"`isinstance\(treespec, LeafSpec\)` is deprecated")


def _print(figures: dict[str, float]) -> None:
    from rich.console import Console

    from agelens.figures import FIGURES, Table

    splits = [split for split in ("val", "test") if f"{split}/score" in figures]
    rows = [
        (FIGURES[key].title(), *(FIGURES[key].written(figures[f"{split}/{key}"]) for split in splits))
        for key in _SHOWN
    ]
    Console().print(rich_table(Table("", ("the best epoch", *splits), rows)))
