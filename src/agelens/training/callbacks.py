"""What goes along with training: the moving average of the weights, and how an epoch is told."""

from __future__ import annotations

import logging
import sys

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar, WeightAveraging
from torch import Tensor

from agelens.training.recipe import Recipe
from agelens.training.task import MONITORED, AgeGenderTask

logger = logging.getLogger(__name__)


def callbacks_of(recipe: Recipe) -> list[Callback]:
    """A bar on a terminal, else a line an epoch; the average where the recipe asks for one."""
    callbacks: list[Callback] = [RichProgressBar(leave=True)] if sys.stderr.isatty() else [EpochLine()]
    if recipe.optim.ema_decay > 0:
        callbacks.append(MovingAverage(recipe.optim.ema_decay))
    return callbacks


class MovingAverage(WeightAveraging):
    """An exponential moving average of weights and buffers: validation measures it, the best is kept of it.

    Lightning's own callback averages at a fixed decay from the first step, so that the first epochs are
    judged by little but the random start. Here the decay rises to its value, as in TensorFlow's and timm's
    averages: after n steps it is at most (1 + n) / (10 + n).
    """

    def __init__(self, decay: float) -> None:
        """``decay`` is what the average keeps of itself at a step, once it has warmed up; below 1."""

        def update(
            averaged: tuple[Tensor, ...] | list[Tensor],
            current: tuple[Tensor, ...] | list[Tensor],
            steps: Tensor | int,
        ) -> None:
            if not averaged[0].is_floating_point():  # counters of batches: they are no weights
                torch._foreach_copy_(list(averaged), list(current))
                return
            warm = min(decay, (1 + int(steps)) / (10 + int(steps)))
            torch._foreach_lerp_(list(averaged), list(current), 1 - warm)

        super().__init__(use_buffers=True, multi_avg_fn=torch.no_grad()(update))


class EpochLine(Callback):
    """One line an epoch in the log, for runs that nobody watches on a terminal."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what the epoch gave."""
        assert isinstance(pl_module, AgeGenderTask)
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        # The task logs its loss after this; what the trainer holds is the loss of the epoch before.
        figures["train/loss"] = float(pl_module.train_loss.compute())
        shown = ("train/loss", "val/loss", "val/mae", "val/gender_accuracy", MONITORED)
        text = "  ".join(f"{name} {figures[name]:.4f}" for name in shown if name in figures)
        if trainer.is_global_zero:
            logger.info("epoch %d/%d  %s", trainer.current_epoch + 1, trainer.max_epochs, text)
