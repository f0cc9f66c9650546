"""Train a recipe on a manifest into a run folder, resumable after a kill.

A run folder holds ``recipe.yaml``, ``run.json`` (commit, versions, data), ``checkpoints/`` (``best.ckpt``
by the validation score, ``last.ckpt`` to resume from), ``dropped.csv`` where images could not be read, and
``result.json`` once training has ended.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from agelens.data.problems import Problem
from agelens.errors import AgeLensError
from agelens.files import sha256, write_text, written_whole
from agelens.training.callbacks import callbacks_of
from agelens.training.datamodule import FaceDataModule
from agelens.training.provenance import checkpoint_of, data_hash, git_commit, lineage, versions
from agelens.training.recipe import Recipe, load_recipe, save_recipe
from agelens.training.task import MONITORED, AgeGenderTask
from agelens.training.tracking import make_logger

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where to train, in Lightning's own terms."""

    accelerator: str = "auto"
    devices: int | str = "auto"
    num_nodes: int = 1
    strategy: str = "auto"


def fit(
    recipe: Recipe,
    source: Path,
    output: Path,
    *,
    also: Sequence[Path] = (),
    teacher: Path | None = None,
    start_from: Path | None = None,
    resume: bool = False,
    hardware: Hardware = Hardware(),
    space_id: str | None = None,
) -> dict[str, float]:
    """Train, choose the best epoch on ``val``, and measure it on ``test`` where the data has one.

    Args:
        recipe: the experiment.
        source: a manifest file or a pack's folder, with splits ``train`` and ``val``.
        output: the run folder; new, unless resuming.
        also: further manifests or packs, of which only ``train`` is used.
        teacher: soft answers to learn from beside the labels; see ``data.soft_labels``.
        start_from: an earlier run's folder, or a checkpoint, whose weights to go on from.
        resume: go on from ``checkpoints/last.ckpt`` with the recipe the run began with.
        hardware: devices, nodes and strategy.
        space_id: a Hugging Face Space for TrackIO; None stays local.

    Returns:
        The figures of the best epoch: ``val/…`` and ``test/…``.

    Raises:
        AgeLensError: the run folder exists and is not resumed, or there is nothing to resume.
    """
    last = output / "checkpoints" / "last.ckpt"
    if resume:
        if not last.exists():
            raise AgeLensError(f"{output} has no checkpoints/last.ckpt to resume from")
        recipe = load_recipe(str(output / "recipe.yaml"))
    elif last.exists():
        raise AgeLensError(f"{output} holds a run already; use --resume, or name another folder")
    L.seed_everything(recipe.seed, workers=True, verbose=False)
    torch.set_float32_matmul_precision("high")
    data = FaceDataModule(source, recipe, also=also, teacher=teacher)
    task = AgeGenderTask(recipe.model_dump(mode="json"), data.hint_features)
    start = None if start_from is None or resume else checkpoint_of(start_from)
    if start is not None:
        task.take_weights(start)
    _report_dropped(output, data.problems)
    about: dict[str, Any] = {
        "git_commit": git_commit(),
        "versions": versions(),
        "data": {
            "path": str(source),
            "sha256": data_hash(source),
            "also": {str(path): data_hash(path) for path in also},
            "teacher": None if teacher is None else sha256(teacher),
            "sources": sorted({face.sample.source for face in data.splits["train"] if face.sample.source}),
        },
        "started_from": None if start is None else lineage(start),
        "images": {split: len(rows) for split, rows in data.splits.items()},
        "hardware": asdict(hardware),
    }
    if resume:
        began = json.loads((output / "run.json").read_text(encoding="utf-8"))
        _same_data(output, began["data"], about["data"])
        if start_from is not None:
            _same_start(output, began.get("started_from"), checkpoint_of(start_from))
        about["started_from"] = began.get("started_from")
    if _is_main_process():
        save_recipe(output / "recipe.yaml", recipe)
        write_text(output / "run.json", json.dumps(about, indent=2) + "\n")
    tracker = make_logger(output.name, output, {"recipe": recipe.model_dump(mode="json"), **about}, space_id)
    keep = partial(
        ModelCheckpoint,
        output / "checkpoints",
        auto_insert_metric_name=False,
        enable_version_counter=False,
    )
    best = keep(filename="best", monitor=MONITORED, mode="max")
    # Not ``save_last``: it writes only where the best is written, and a resume would repeat what came after.
    latest = keep(filename="last")
    trainer = L.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.num_nodes,
        strategy=hardware.strategy,
        precision=_precision(recipe, hardware),
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.optim.clip_norm or None,
        use_distributed_sampler=False,  # EpochSampler deals the rows out itself
        logger=tracker,
        callbacks=[best, latest, *callbacks_of(recipe)],
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    if trainer.is_global_zero:
        logger.info("%s", _told(trainer, about["images"]))
    trainer.fit(task, data, ckpt_path=last if resume else None, weights_only=False if resume else None)
    trainer.strategy.barrier()
    if torch.distributed.is_initialized():
        # The final figures are the main process's own; metrics would wait for the others for ever.
        torch.distributed.destroy_process_group()
    figures = (
        _conclude(Path(best.best_model_path), data, tracker, recipe, hardware)
        if trainer.is_global_zero
        else {}
    )
    if trainer.is_global_zero:
        write_text(output / "result.json", json.dumps(figures, indent=2) + "\n")
    return figures


def _same_data(run: Path, began: dict[str, Any], data: dict[str, Any]) -> None:
    """A resumed run must learn from what it began with.

    Raises:
        AgeLensError: it was given other tables, or another teacher.
    """
    for key, name in (("sha256", "--manifest"), ("also", "--also"), ("teacher", "--teacher")):
        then, now = began.get(key), data[key]
        if isinstance(now, dict):  # the tables may have moved
            then, now = sorted((then or {}).values()), sorted(now.values())
        if then != now:
            raise AgeLensError(f"{run} began with another {name}; resume it with the same")


def _same_start(run: Path, began: dict[str, Any] | None, start: Path) -> None:
    """A resumed run goes on from its own weights; it cannot start from others.

    Raises:
        AgeLensError: it did not start from that checkpoint.
    """
    if began is None or began["sha256"] != sha256(start):
        raise AgeLensError(f"{run} did not start from {start}; resume it without --start-from")


def _conclude(
    checkpoint: Path, data: FaceDataModule, tracker: Any, recipe: Recipe, hardware: Hardware
) -> dict[str, float]:
    """Measure the best checkpoint in a trainer of its own: its weights are the averaged ones already."""
    task = AgeGenderTask.load_from_checkpoint(checkpoint, weights_only=True, map_location="cpu")
    trainer = L.Trainer(
        accelerator=hardware.accelerator,
        devices=1,
        precision="32-true",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    figures = dict(trainer.validate(task, data, verbose=False)[0])
    if data.splits["test"]:
        figures |= trainer.test(task, data, verbose=False)[0]
    numbers = {name: float(value) for name, value in figures.items()}
    # Under a name of their own, beside the curves of the epochs.
    tracker.log_metrics({f"final/{name}": value for name, value in numbers.items()}, step=recipe.epochs)
    tracker.finalize("success")
    return numbers


def _told(trainer: L.Trainer, images: dict[str, int]) -> str:
    """What learns from how much, and on what, in a line."""
    devices = f"{trainer.strategy.root_device.type} × {trainer.world_size}, {trainer.precision}"
    return f"{images['train']:,} images to learn from, {images['val']:,} to choose the epoch by; {devices}"


def _precision(recipe: Recipe, hardware: Hardware) -> Any:
    """bfloat16 where the hardware multiplies it natively, unless the recipe says otherwise."""
    if recipe.precision != "auto":
        return recipe.precision
    if hardware.accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


def _report_dropped(output: Path, problems: list[Problem]) -> None:
    if not problems or not _is_main_process():
        return
    with written_whole(output / "dropped.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "problem"])
        writer.writerows((problem.where, problem.message) for problem in problems)
    logger.warning(
        "%d images could not be read and are left out; see %s", len(problems), output / "dropped.csv"
    )


def _is_main_process() -> bool:
    return int(os.environ.get("LOCAL_RANK", "0")) == 0 and int(os.environ.get("NODE_RANK", "0")) == 0
