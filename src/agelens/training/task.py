"""The Lightning task: what is learnt, with which optimiser, and what is measured after each epoch."""

from __future__ import annotations

import pickle
from itertools import compress
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from timm.optim import param_groups_weight_decay
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR
from torchmetrics import MeanAbsoluteError, MeanMetric, MeanSquaredError, Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from agelens.errors import AgeLensError
from agelens.labels import GENDERS
from agelens.metrics import RMSE_CAP, harmonic_mean
from agelens.nn.build import build_network
from agelens.nn.heads import AgeGenderLogits
from agelens.nn.losses import AgeGenderLoss, LossTerms
from agelens.nn.weights import read_weights, unpickled
from agelens.training.dataset import NO_GENDER, Batch
from agelens.training.recipe import Recipe

#: The figure that chooses the best checkpoint.
MONITORED = "val/score"


class AgeGenderTask(L.LightningModule):
    """Learns age distributions and gender as a recipe says; measures the competition score."""

    mean: Tensor
    std: Tensor

    def __init__(self, recipe: dict[str, Any], hint_features: int = 0, *, start: bool = True) -> None:
        """The recipe comes as plain JSON, so that checkpoints load with ``weights_only=True``.

        ``start=False`` leaves the recipe's initial weights alone: a checkpoint's are to take their place.
        """
        super().__init__()
        self.save_hyperparameters("recipe", "hint_features")
        self.recipe = Recipe.model_validate(recipe)
        network = build_network(self.recipe.network, start=start)
        self.network = network.to(memory_format=torch.channels_last)
        self.loss = AgeGenderLoss(self.recipe.loss)
        # Predicts the teacher's features from the network's own; it is left behind at export.
        hinted = self.recipe.loss.hint > 0 and hint_features > 0
        self.hint = torch.nn.Linear(self.network.num_features, hint_features) if hinted else None
        self._learn = torch.compile(self._answer, dynamic=False) if self.recipe.compile else self._answer
        self.register_buffer("mean", torch.tensor(self.recipe.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(self.recipe.std).view(3, 1, 1), persistent=False)
        self.train_loss = MeanMetric()
        self.val_metrics = _Measures("val/")
        self.test_metrics = _Measures("test/")

    @classmethod
    def of_checkpoint(cls, checkpoint: Path) -> AgeGenderTask:
        """The task of a checkpoint, on the CPU in single precision, whatever it is stored in.

        Raises:
            AgeLensError: the file is no checkpoint of a task.
        """
        try:
            content = unpickled(checkpoint)
            task = cls(**content["hyper_parameters"], start=False)
            task.load_state_dict(content["state_dict"])
        except (RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
            raise AgeLensError(
                f"{checkpoint} is no checkpoint of 'agelens train' ({_first_line(error)})"
            ) from error
        return task

    def take_weights(self, checkpoint: Path) -> None:
        """Start from the network of an earlier run's checkpoint; the optimiser starts anew."""
        try:
            state = _state(checkpoint)
            self.network.load_state_dict(_part(state, "network."))
            hint = _part(state, "hint.")
            if self.hint is not None and hint and hint["weight"].shape == self.hint.weight.shape:
                self.hint.load_state_dict(hint)  # the same teacher's
        except (RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
            raise AgeLensError(
                f"{checkpoint} does not hold the weights of a network {self.recipe.network.kind!r} as this "
                f"recipe has it ({_first_line(error)}); start from a run of the same network"
            ) from error

    def forward(self, images: Tensor) -> AgeGenderLogits:
        """(B, 3, S, S) uint8 RGB -> logits."""
        return self.network(self._normalised(images))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed dropout by the step, so that a resumed run draws what the uninterrupted one drew.

        A seed per epoch would not do: after a resume, Lightning makes the epoch's loader, which draws a seed
        of its own, on the other side of ``on_train_epoch_start``.
        """
        torch.manual_seed((self.recipe.seed * 1_000_003 + self.global_step) * 1009 + self.global_rank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The weighted loss of one batch."""
        logits, hint = self._learn(batch.images)
        total: Tensor = self.loss(logits, batch.age_target, batch.gender_target).total
        if hint is not None:
            total = total + self.recipe.loss.hint * F.mse_loss(hint.float(), batch.hint)
        self.train_loss.update(total.detach())
        return total

    def on_train_epoch_end(self) -> None:
        """Log the epoch's mean loss and the learning rate it ended with."""
        self.log("train/loss", self.train_loss.compute(), sync_dist=False)
        self.train_loss.reset()
        self.log("lr", self.trainer.optimizers[0].param_groups[0]["lr"])
        self.log("epoch", float(self.current_epoch + 1))  # people count from one; Lightning from zero

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the validation split."""
        self._measure(self.val_metrics, batch)

    def on_validation_epoch_end(self) -> None:
        """Log the figures of the validation split; ``val/score`` chooses the checkpoint."""
        for name, value in self.val_metrics.compute().items():
            # On the bar, all figures would take six lines of a terminal.
            self.log(name, value, prog_bar=name in ("val/mae", MONITORED))
        self.log("epoch", float(self.current_epoch + 1))

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the test split."""
        self._measure(self.test_metrics, batch)

    def on_test_epoch_end(self) -> None:
        """Log the figures of the test split."""
        self.log_dict(self.test_metrics.compute())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; a cosine to zero over all steps, after a linear warm-up where the recipe asks for one."""
        optim = self.recipe.optim
        groups = param_groups_weight_decay(self, optim.weight_decay)
        optimizer = torch.optim.AdamW(groups, lr=optim.lr)
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = min(steps - 1, round(steps * optim.warmup_epochs / self.recipe.epochs))
        scheduler: LRScheduler = CosineAnnealingLR(optimizer, T_max=max(1, steps - warmup))
        if warmup > 0:
            rise = LinearLR(optimizer, start_factor=1e-2, total_iters=warmup)
            scheduler = SequentialLR(optimizer, [rise, scheduler], milestones=[warmup])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _answer(self, images: Tensor) -> tuple[AgeGenderLogits, Tensor | None]:
        """The logits, and the predicted features of the teacher where there is one to learn them from."""
        features = self.network.features(self._normalised(images))
        return self.network.heads(features), None if self.hint is None else self.hint(features)

    def _normalised(self, images: Tensor) -> Tensor:
        return (images.float() / 255 - self.mean) / self.std

    def _measure(self, measures: _Measures, batch: Batch) -> None:
        logits = self(batch.images)
        terms: LossTerms = self.loss(logits, batch.age_target, batch.gender_target)
        for name, value in zip(("loss", "age_kl", "gender_ce"), terms[:3], strict=True):
            measures[name].update(value, weight=len(batch.age))
        if (known := ~batch.age.isnan()).any():
            age = torch.softmax(logits.age.float(), dim=1) @ self.loss.ages
            for name in ("mae", "rmse"):
                measures[name].update(age[known], batch.age[known])
        if (batch.gender != NO_GENDER).any():
            for name in ("gender_accuracy", "gender_macro_f1"):
                measures[name].update(logits.gender.float(), batch.gender)


def _state(checkpoint: Path) -> dict[str, Tensor]:
    """The weights of a task's checkpoint, or of a model's network, by the names that a task gives them."""
    if checkpoint.suffix == ".safetensors":
        return {f"network.{name}": value for name, value in read_weights(checkpoint).items()}
    return unpickled(checkpoint)["state_dict"]


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The weights of the module under ``prefix``, by the names that it gives them."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


class _Measures(MetricCollection):
    """The figures of one split, gathered over batches and processes by torchmetrics."""

    def __init__(self, prefix: str) -> None:
        gender: dict[str, Any] = {"num_classes": len(GENDERS), "ignore_index": NO_GENDER}
        metrics: dict[str, Metric | MetricCollection] = {
            **{name: MeanMetric() for name in ("loss", "age_kl", "gender_ce")},
            "mae": MeanAbsoluteError(),
            "rmse": MeanSquaredError(squared=False),
            "gender_accuracy": MulticlassAccuracy(average="micro", **gender),
            "gender_macro_f1": MulticlassF1Score(average="macro", **gender),
        }
        super().__init__(metrics, prefix=prefix, compute_groups=False)

    def compute(self) -> dict[str, Any]:
        """The figures of all batches since the last call; the score is of what is labelled."""
        labelled = [self[name].update_called for name in ("gender_macro_f1", "rmse")]
        figures = super().compute()
        self.reset()
        age_score = 1 - figures[f"{self.prefix}rmse"].clamp(max=RMSE_CAP) / RMSE_CAP
        parts = float(figures[f"{self.prefix}gender_macro_f1"]), float(age_score)
        score = harmonic_mean(*parts) if all(labelled) else sum(compress(parts, labelled))
        return {**figures, f"{self.prefix}score": torch.tensor(score)}
