from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from lightning.pytorch.loggers import CSVLogger

from agelens.errors import AgeLensError, MissingExtraError
from agelens.training import tracking
from agelens.training.tracking import LOGGERS, TrackioLogger, check_loggers, make_loggers


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        tracking.importlib.util, "find_spec", lambda name: None if name == package else find(name)
    )


def test_without_trackio_there_is_the_runs_own_table_and_one_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without("trackio", monkeypatch)
    with pytest.warns(UserWarning, match=r"trackio is not installed; metrics go to .*curves\.csv") as caught:
        assert make_loggers((), "run", tmp_path, {}) == []
    assert len(caught) == 1


def test_loggers_have_lightnings_names(tmp_path: Path) -> None:
    trackio, csv = make_loggers(("trackio", "csv"), "run", tmp_path, {})
    assert isinstance(trackio, TrackioLogger)
    assert isinstance(csv, CSVLogger)
    csv.log_metrics({"val/mae": 4.5}, step=1)
    csv.save()
    assert "val/mae" in next((tmp_path / "csv").rglob("metrics.csv")).read_text()


def test_a_logger_that_is_not_there_is_one_sentence_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        AgeLensError, match="no logger 'comet'; there are trackio, csv, tensorboard, wandb, mlflow"
    ):
        check_loggers(["csv", "comet"])
    for name, package in LOGGERS.items():
        if package:
            without(package, monkeypatch)
            with pytest.raises(MissingExtraError, match=f"'--logger {name}' needs it: pip install {package}"):
                check_loggers([name])
            monkeypatch.undo()


def test_the_run_begins_with_its_first_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, object]] = []
    (logger,) = make_loggers((), "mine", tmp_path, {"recipe": {"epochs": 3}}, space_id="owner/space")
    assert isinstance(logger, TrackioLogger)
    assert (logger.name, logger.save_dir) == ("mine", str(tmp_path))

    class Run:
        def log(self, metrics: dict[str, float], step: int | None) -> None:
            calls.append({"metrics": metrics, "step": step})

    import trackio

    def init(**options: object) -> Run:
        calls.append(options)
        return Run()

    monkeypatch.setattr(trackio, "init", init)
    monkeypatch.setattr(trackio, "finish", lambda: calls.append({"finished": True}))
    logger.log_hyperparams({"recipe": {"epochs": 3}})
    assert calls == []
    logger.log_metrics({"val/mae": 5.0}, step=7)
    logger.finalize("success")
    logger.finalize("success")
    assert calls[0]["space_id"] == "owner/space"
    assert calls[0]["config"] == {"recipe": {"epochs": 3}}
    assert calls[0]["resume"] == "allow"
    assert calls[1:] == [{"metrics": {"val/mae": 5.0}, "step": 7}, {"finished": True}]
