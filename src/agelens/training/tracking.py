"""Every experiment in TrackIO: a thin Lightning logger, since TrackIO ships none.

Runs are local (``TRACKIO_DIR``) unless a Space is named. ``trackio show`` opens the dashboard;
``trackio get metric`` reads figures back.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.utilities import rank_zero_only

PROJECT = "agelens"


class TrackioLogger(Logger):
    """Sends the metrics of one run to TrackIO, begun with ``config`` by its first figure."""

    def __init__(
        self, name: str, save_dir: Path, config: dict[str, Any], space_id: str | None = None
    ) -> None:
        super().__init__()
        self._name, self._save_dir, self._config, self._space_id = name, save_dir, config, space_id
        self._run: Any = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self._name

    @property
    def version(self) -> str:
        """TrackIO numbers no versions; the run's name is unique."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run's folder."""
        return str(self._save_dir)

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The open TrackIO run; begun on first use, and only in the main process."""
        if self._run is None:
            os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
            import trackio

            self._run = trackio.init(
                project=PROJECT,
                name=self._name,  # a resumed run goes on under it
                space_id=self._space_id,
                config=self._config,
                resume="allow",
                embed=False,
                auto_log_cpu=False,
                auto_log_gpu=False,
            )
        return self._run

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing to add: the one hyperparameter is the recipe, which the configuration holds."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Record figures at a step."""
        self.experiment.log(metrics, step=step)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Close the run; what is queued is written."""
        if self._run is not None:
            self._run.finish()
            self._run = None


def make_logger(name: str, save_dir: Path, config: dict[str, Any], space_id: str | None = None) -> Logger:
    """TrackIO where it is installed; else a CSV file in the run's folder, and one warning."""
    if importlib.util.find_spec("trackio") is None:
        warnings.warn(
            f"trackio is not installed; metrics go to {save_dir / 'metrics.csv'} only "
            "(pip install 'agelens[train]' brings it)",
            stacklevel=2,
        )
        return CSVLogger(save_dir, name="", version="")
    return TrackioLogger(name, save_dir, config, space_id)
