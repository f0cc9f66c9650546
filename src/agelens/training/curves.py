"""The learning curves of a run: a table and, where matplotlib is installed, a picture in the run's folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from agelens.figures import BLUE, FIGURES, GREY, ORANGE
from agelens.files import write_csv, written_whole
from agelens.training.callbacks import figures_of_epoch
from agelens.training.task import MONITORED, AgeGenderTask

#: The figures of one epoch, by their names; ``epoch`` counts from one.
Epoch = dict[str, float]


class Curves(Callback):
    """Keeps the figures of every epoch, over resumes too, in ``curves.csv`` and ``curves.png``."""

    def __init__(self, folder: Path, title: str) -> None:
        """``folder`` is the run's, ``title`` its name."""
        self._folder, self._title = folder, title
        self.epochs: list[Epoch] = []

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps for a resume."""
        return {"epochs": self.epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after what a checkpoint has kept."""
        self.epochs = list(state_dict["epochs"])

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add the epoch; before the checkpoints are written, which Lightning does last."""
        assert isinstance(pl_module, AgeGenderTask)
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        now = {"epoch": trainer.current_epoch + 1, "lr": rate}
        self.epochs.append({**figures_of_epoch(trainer, pl_module), **now})
        if trainer.is_global_zero:
            names = sorted(self.epochs[0], key=lambda name: (name != "epoch", name))
            rows = [[epoch.get(name, "") for name in names] for epoch in self.epochs]
            write_csv(self._folder / "curves.csv", names, rows)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw the curves of the whole run."""
        self._draw(trainer)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Draw the curves as far as they go."""
        self._draw(trainer)

    def _draw(self, trainer: L.Trainer) -> None:
        drawn = trainer.is_global_zero and self.epochs and importlib.util.find_spec("matplotlib")
        if drawn:
            draw_curves(self._folder / "curves.png", self.epochs, self._title)


def draw_curves(path: Path, epochs: Sequence[Epoch], title: str) -> None:
    """Draw the loss, the age error and the gender accuracy by epoch, the best epoch marked; a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    count = [epoch["epoch"] for epoch in epochs]
    best = max(epochs, key=lambda epoch: epoch[MONITORED])
    score = FIGURES["score"].written(best[MONITORED])
    figure.suptitle(f"{title}: {len(epochs)} epochs, the best is {best['epoch']:.0f} (score {score} on val)")
    plots = (
        ("loss", (("train/loss", "train", GREY), ("val/loss", "val", BLUE))),
        ("age error on val, years", (("val/mae", "MAE", BLUE), ("val/rmse", "RMSE", ORANGE))),
        ("on val", ((MONITORED, "score", BLUE), ("val/gender_accuracy", "gender accuracy", ORANGE))),
    )
    marker = "o" if len(epochs) < 3 else ""
    for axis, (label, lines) in zip(figure.subplots(1, 3), plots, strict=True):
        axis.axvline(best["epoch"], color=GREY, linewidth=0.8, linestyle=":")
        for key, name, colour in lines:
            values = [epoch.get(key, float("nan")) for epoch in epochs]
            axis.plot(count, values, marker=marker, color=colour, label=name)
        axis.set(xlabel="epoch", ylabel=label)
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)
