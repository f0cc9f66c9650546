"""Train a recipe on a manifest into a run folder, in one stage or several, resumable after a kill."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger

from agelens.errors import ManifestError, TrainingStoppedError
from agelens.training.callbacks import callbacks_of
from agelens.training.curves import Curves
from agelens.training.datamodule import FaceDataModule
from agelens.training.provenance import Hardware, record_of, weights_record
from agelens.training.recipe import Recipe, save_recipe
from agelens.training.run import STAGE, RunFolder, start_of, start_record
from agelens.training.task import MONITORED, AgeGenderTask
from agelens.training.tracking import check_loggers, make_loggers

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoggingTo:
    """Where the figures of a run are logged beside its folder."""

    loggers: Sequence[str] = ()  # names of ``tracking.LOGGERS``; none for TrackIO where it is installed
    space_id: str | None = None  # a Space that TrackIO logs to; None keeps it on this machine


def fit(
    recipe: Recipe,
    source: Path,
    output: Path,
    *,
    resume: bool = False,
    hardware: Hardware = Hardware(),
    test: bool = False,
    logging_to: LoggingTo = LoggingTo(),
) -> dict[str, float]:
    """Train, choose the best epoch on ``val``, and measure it on ``test`` if asked to.

    The folder ``output`` is new, or a run to ``resume`` after its last whole epoch, by the recipe that it
    began with, whose files may have moved.

    Returns:
        The figures of the best epoch, ``val/…`` and ``test/…``; empty in all processes but the main one.

    Raises:
        AgeLensError: the run folder exists and is not resumed, there is nothing to resume, or a resumed run
            is given another recipe or other data than it began with, or a logger is not installed.
        TrainingStoppedError: the user has pressed Ctrl-C.
    """
    check_loggers(logging_to.loggers)
    run = RunFolder(output)
    run.check(recipe, resume=resume)
    if _is_main_process() and not resume and recipe.earlier_stages:
        save_recipe(run.recipe_file, recipe)  # what a resume reads until the last stage begins
    # A resumed run has its weights already; the file it started from may be gone.
    start = None if recipe.start_from is None or resume else start_of(recipe.start_from)
    figures: dict[str, float] = {}
    for stage, settings in run.stages(recipe):
        if stage == run or not (resume and stage.result):
            measured = test and stage == run
            figures = _fit_stage(
                settings, source, stage, start, hardware=hardware, test=measured, logging_to=logging_to
            )
        start = stage.best
    return figures


def _fit_stage(
    recipe: Recipe,
    source: Path,
    run: RunFolder,
    start: Path | None,
    *,
    hardware: Hardware,
    test: bool,
    logging_to: LoggingTo,
) -> dict[str, float]:
    """Train one stage into a folder of its own, from the checkpoint ``start`` where it has none to go on."""
    resume = run.last.exists()  # only where the caller resumes: a new run has been checked to have none
    L.seed_everything(recipe.seed, workers=True, verbose=False)
    torch.set_float32_matmul_precision("high")
    data = FaceDataModule(source, recipe)
    if test and not data.splits["test"]:
        raise ManifestError(f"{source} has no usable image in split 'test' to measure on")
    # A checkpoint's weights replace the recipe's initial ones, whose file may be gone by now.
    fresh = start is None and not resume
    task = AgeGenderTask(recipe.model_dump(mode="json"), data.hint_features, start=fresh)
    started_from, weights = (run.record.started_from, run.record.weights) if resume else (None, None)
    if fresh:
        weights = weights_record(recipe)
    elif start is not None and not resume:
        task.take_weights(start)
        started_from = start_record(start)
    samples = {split: [row.sample for row in rows] for split, rows in data.splits.items()}
    record = record_of(recipe, source, samples, started_from, hardware, heads=data.heads, weights=weights)
    if resume:
        run.check_data(recipe, record)
    if _is_main_process():
        run.write(recipe, record)
        if data.problems:
            dropped = run.write_dropped(data.problems)
            logger.warning("%d images cannot be read and are left out; see %s", len(data.problems), dropped)
    config = {"recipe": recipe.model_dump(mode="json"), **record.model_dump(mode="json")}
    loggers = make_loggers(logging_to.loggers, run.name, run.path, config, logging_to.space_id)
    trainer = _trainer(recipe, run, hardware, loggers)
    if trainer.is_global_zero:
        train, val = (f"{record.images[split]:,}" for split in ("train", "val"))
        devices = f"{trainer.strategy.root_device.type} × {trainer.world_size}, {trainer.precision}"
        logger.info("%s images to learn from, %s to choose the epoch by; %s", train, val, devices)
    _fit(trainer, task, data, run, source)
    if trainer.is_global_zero and trainer.current_epoch < recipe.epochs:
        told = f"{recipe.patience} epochs without a better score on 'val'"
        logger.info("ended after epoch %d of %d: %s", trainer.current_epoch, recipe.epochs, told)
    trainer.strategy.barrier()
    if torch.distributed.is_initialized():
        # The final figures are the main process's own; metrics would wait for the others for ever.
        torch.distributed.destroy_process_group()
    if not trainer.is_global_zero:
        return {}
    figures = _final_figures(run.best, data, hardware, test=test)
    for tracker in loggers:
        # Under a name of their own, beside the curves of the epochs.
        final = {f"final/{name}": value for name, value in figures.items()}
        tracker.log_metrics(final, step=trainer.global_step)
        tracker.finalize("success")
    run.write_result(figures)
    return figures


def _fit(trainer: L.Trainer, task: AgeGenderTask, data: FaceDataModule, run: RunFolder, source: Path) -> None:
    """Train, on from the last whole epoch if there is one; where the user stops it, say how to go on."""
    last = run.last if run.last.exists() else None
    try:
        # Only a resumed checkpoint of our own is unpickled whole, for the state of the loops.
        trainer.fit(task, data, ckpt_path=last, weights_only=None if last is None else False)
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning's end after Ctrl-C
            raise TrainingStoppedError(_what_is_kept(run, source, trainer)) from None
        raise


def _what_is_kept(run: RunFolder, source: Path, trainer: L.Trainer) -> str:
    stopped = f"stopped in epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
    if not run.last.exists():
        return f"{stopped}, before the first was whole; nothing is kept, and the same command begins anew"
    whole = run.path.parent if run.path.name.startswith(STAGE) else run.path
    resume = shlex.join(["agelens", "train", "--manifest", str(source), "--output", str(whole), "--resume"])
    export = shlex.join(["agelens", "export", str(run.path), "--output", "BUNDLE"])
    return (
        f"{stopped}; {run.path} keeps the last whole epoch and the best one. To go on after it:\n  {resume}\n"
        f"or to take the best as it is:\n  {export}"
    )


def _trainer(recipe: Recipe, run: RunFolder, hardware: Hardware, loggers: Sequence[Logger]) -> L.Trainer:
    names: dict[str, Any] = {"auto_insert_metric_name": False, "enable_version_counter": False}
    best = ModelCheckpoint(run.checkpoints, run.best.stem, monitor=MONITORED, mode="max", **names)
    # Not ``save_last``: it writes only where the best is written, and a resume would repeat what came after.
    latest = ModelCheckpoint(run.checkpoints, run.last.stem, **names)
    return L.Trainer(
        **asdict(hardware),
        precision=_precision(recipe, hardware),
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.optim.clip_norm or None,
        use_distributed_sampler=False,  # EpochSampler deals the rows out itself
        logger=loggers,
        callbacks=[best, latest, *callbacks_of(recipe), Curves(run.path, run.name)],
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _final_figures(
    checkpoint: Path, data: FaceDataModule, hardware: Hardware, *, test: bool
) -> dict[str, float]:
    """Measure the best checkpoint in a trainer of its own: its weights are the averaged ones already."""
    task = AgeGenderTask.of_checkpoint(checkpoint)
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(accelerator=hardware.accelerator, devices=1, precision="32-true", **quiet)
    figures = dict(trainer.validate(task, data, verbose=False)[0])
    if test:
        figures |= trainer.test(task, data, verbose=False)[0]
    return {name: float(value) for name, value in figures.items() if name != "epoch"}


def _precision(recipe: Recipe, hardware: Hardware) -> Any:
    """bfloat16 where the hardware multiplies it natively, unless the recipe says otherwise."""
    if recipe.precision != "auto":
        return recipe.precision
    if hardware.accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if has_cpu_bfloat16() else "32-true"


def has_cpu_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 natively, as far as this version of torch can tell."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public name for it
    return probe is not None and bool(probe())


def _is_main_process() -> bool:
    return int(os.environ.get("LOCAL_RANK", "0")) == 0 and int(os.environ.get("NODE_RANK", "0")) == 0
