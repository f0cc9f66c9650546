"""Where the figures of a run are logged: in TrackIO, and wherever else Lightning has a logger for.

TrackIO ships no logger for Lightning, so that a thin one stands here. Its runs are local (``TRACKIO_DIR``)
unless a Space is named. ``trackio show`` opens the dashboard; ``trackio get metric`` reads figures back.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import warnings
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from agelens.errors import AgeLensError, MissingExtraError

PROJECT = "agelens"

#: The loggers by Lightning's names, and TrackIO: each with the package that it needs beside Lightning.
LOGGERS = {
    "trackio": "trackio",
    "csv": "",
    "tensorboard": "tensorboard",
    "wandb": "wandb",
    "mlflow": "mlflow",
}


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
            import trackio

            with contextlib.redirect_stdout(io.StringIO()):  # it says "uploading", and uploads nothing
                trackio.finish()  # not the run's own: TrackIO would finish that again
            self._run = None


def make_loggers(
    names: Sequence[str], run: str, folder: Path, config: dict[str, Any], space_id: str | None = None
) -> list[Logger]:
    """The loggers of a run, by name; what they write to this machine lies in the run's folder.

    Without a name, TrackIO where it is installed; else a CSV file in the run's folder, and one warning.
    """
    if not names and importlib.util.find_spec("trackio") is None:
        warnings.warn(
            f"trackio is not installed; metrics go to {folder / 'curves.csv'} only "
            "(pip install 'agelens[train]' brings it)",
            stacklevel=2,
        )
        return []
    return [_logger(name, run, folder, config, space_id) for name in names or ("trackio",)]


def check_loggers(names: Sequence[str]) -> None:
    """Check that there are such loggers and that they are installed, before any work is done.

    Raises:
        AgeLensError: there is no such logger.
        MissingExtraError: its package is not installed.
    """
    for name in names:
        if name not in LOGGERS:
            raise AgeLensError(f"no logger {name!r}; there are {', '.join(LOGGERS)}")
        package = LOGGERS[name]
        if package and importlib.util.find_spec(package) is None:
            raise MissingExtraError(
                f"{package} is not installed; '--logger {name}' needs it: pip install {package}"
            )


def _logger(name: str, run: str, folder: Path, config: dict[str, Any], space_id: str | None) -> Logger:
    match name:
        case "csv":
            return CSVLogger(folder, name="csv")
        case "tensorboard":
            return TensorBoardLogger(folder, name="tensorboard")
        case "wandb":
            return WandbLogger(project=PROJECT, name=run, save_dir=folder, config=config)
        case "mlflow":
            tracked = os.environ.get("MLFLOW_TRACKING_URI") or f"file:{(folder / 'mlflow').absolute()}"
            return MLFlowLogger(experiment_name=PROJECT, run_name=run, tracking_uri=tracked)
    return TrackioLogger(run, folder, config, space_id)
