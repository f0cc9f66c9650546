"""What goes along with training: averaged weights, an end in time, and what a person sees of each epoch."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, RichProgressBar, WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from agelens.training.recipe import Recipe
from agelens.training.task import MONITORED, AgeGenderTask

logger = logging.getLogger(__name__)


def figures_of_epoch(trainer: L.Trainer, task: AgeGenderTask) -> dict[str, float]:
    """The figures of the epoch that ends, once it is validated."""
    figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
    # The task logs its loss after this; what the trainer holds is the loss of the epoch before.
    return {**figures, "train/loss": float(task.train_loss.compute())}


def callbacks_of(recipe: Recipe) -> list[Callback]:
    """A progress bar on a terminal, else a line after each epoch; what else the recipe asks for."""
    callbacks: list[Callback] = [EpochBar(leave=True)] if sys.stderr.isatty() else [EpochLine()]
    if recipe.optim.ema_decay > 0:
        callbacks.append(MovingAverage(recipe.optim.ema_decay))
    if recipe.patience > 0:
        callbacks.append(Patience(recipe.patience))
    return callbacks


class MovingAverage(WeightAveraging):
    """An exponential moving average of weights and buffers; validation measures it, the best epoch keeps it.

    Lightning's own callback averages at a fixed decay from the first step, so that the first epochs are
    judged by little but the random start. Here the decay rises to its value, as in TensorFlow's and timm's
    averages: after n steps it is at most (1 + n) / (10 + n).
    """

    def __init__(self, decay: float) -> None:
        """``decay`` is the share of itself that the warm average keeps at a step; below 1."""

        def update(averaged: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
            if averaged[0].is_floating_point():
                warm = min(decay, (1 + int(steps)) / (10 + int(steps)))
                get_ema_multi_avg_fn(warm)(averaged, current, steps)  # type: ignore[no-untyped-call]
            else:  # counters of batches, which have no mean
                for one, other in zip(averaged, current, strict=True):
                    one.copy_(other)

        super().__init__(use_buffers=True, multi_avg_fn=torch.no_grad()(update))


class Patience(EarlyStopping):
    """Ends the training after so many epochs without a better score; so does a resume of what has ended."""

    def __init__(self, epochs: int) -> None:
        super().__init__(MONITORED, patience=epochs, mode="max", check_on_train_epoch_end=False)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A resumed run may have ended before."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class EpochBar(RichProgressBar):
    """Lightning's bar, its epochs counted from one."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"epoch {current_epoch + 1}/{self.trainer.max_epochs}"


class EpochLine(Callback):
    """One line per epoch in the log, for runs that nobody watches on a terminal."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the figures of the epoch."""
        assert isinstance(pl_module, AgeGenderTask)
        figures = figures_of_epoch(trainer, pl_module)
        shown = ("train/loss", "val/loss", "val/mae", "val/gender_accuracy", MONITORED)
        text = "  ".join(f"{name} {figures[name]:.4f}" for name in shown if name in figures)
        if trainer.is_global_zero:
            logger.info("epoch %d/%d  %s", trainer.current_epoch + 1, trainer.max_epochs, text)
