"""``agelens train``: fit a recipe on a manifest into a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.cli.console import rich_table, tell
from agelens.errors import require

#: The figures of the best epoch that are printed.
_SHOWN = ("score", "mae", "rmse", "gender_accuracy", "gender_macro_f1", "age_kl", "gender_ce")


def train(
    manifest: Annotated[Path, typer.Option(help="A manifest, or the folder of a pack.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder, as runs/NAME.")],
    recipe: Annotated[
        str, typer.Option(help="cnn-scratch, efficientnet-b4, embedded, or a YAML file.")
    ] = "efficientnet-b4",
    also: Annotated[
        list[Path] | None,
        typer.Option(help="A further manifest or pack: its split 'train' is learnt too; repeatable."),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Soft answers (.npz) to learn beside the labels: loss.teacher, loss.hint."),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="An earlier run's folder or checkpoint: its weights are trained on, as in fine-tuning."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value over the recipe, as optim.lr=1e-4; repeatable."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run after a stop or a kill.")
    ] = False,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu, tpu: Lightning's.")] = "auto",
    devices: Annotated[str, typer.Option(help="How many, or 'auto'.")] = "auto",
    num_nodes: Annotated[int, typer.Option(min=1, help="Machines of a distributed run.")] = 1,
    strategy: Annotated[str, typer.Option(help="auto, ddp, ddp_spawn, …: Lightning's.")] = "auto",
    space: Annotated[
        str | None, typer.Option(help="A Hugging Face Space for TrackIO, owner/name; default: local.")
    ] = None,
) -> None:
    """Train a network; the best epoch by the validation score is kept.

    The run is recorded in TrackIO: 'trackio show' opens the dashboard.
    """
    for module in ("torch", "lightning", "timm", "torchmetrics", "yaml"):
        require(module, "train")
    from agelens.training.fit import Hardware, fit
    from agelens.training.recipe import load_recipe

    _set_up_logging()
    hardware = Hardware(accelerator, int(devices) if devices.isdigit() else devices, num_nodes, strategy)
    chosen = load_recipe(recipe, settings or [])
    figures = fit(
        chosen,
        manifest,
        output,
        also=also or [],
        teacher=teacher,
        start_from=start_from,
        resume=resume,
        hardware=hardware,
        space_id=space,
    )
    if figures:  # the main process's, of several
        _print(figures)
        tell(f"agelens: the best epoch is kept; next: agelens export {output} --output BUNDLE")


def _set_up_logging() -> None:
    """What we say of a run goes to stderr; of what Lightning says, only what went wrong."""
    import logging
    import warnings

    logging.getLogger("agelens").setLevel(logging.INFO)
    for name in ("lightning.pytorch", "lightning.fabric"):  # each line twice, and advertisements
        logging.getLogger(name).setLevel(logging.WARNING)
    # No advice for us: torchmetrics has gathered the figures of all processes before they are logged.
    warnings.filterwarnings("ignore", message="It is recommended to use `self.log")
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
