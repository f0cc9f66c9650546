from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from lightning.pytorch.loggers import CSVLogger

from agelens.training import tracking
from agelens.training.tracking import TrackioLogger, make_logger


def test_without_trackio_metrics_go_to_csv_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        tracking.importlib.util, "find_spec", lambda name: None if name == "trackio" else find(name)
    )
    with pytest.warns(UserWarning, match="trackio is not installed") as caught:
        logger = make_logger("run", tmp_path, {})
    assert len(caught) == 1
    assert isinstance(logger, CSVLogger)
    logger.log_metrics({"val/mae": 4.5}, step=1)
    logger.save()
    assert "val/mae" in (tmp_path / "metrics.csv").read_text()


def test_the_run_begins_with_its_first_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, object]] = []
    logger = make_logger("mine", tmp_path, {"recipe": {"epochs": 3}}, space_id="owner/space")
    assert isinstance(logger, TrackioLogger)
    assert (logger.name, logger.save_dir) == ("mine", str(tmp_path))

    class Run:
        def log(self, metrics: dict[str, float], step: int | None) -> None:
            calls.append({"metrics": metrics, "step": step})

        def finish(self) -> None:
            calls.append({"finished": True})

    import trackio

    def init(**options: object) -> Run:
        calls.append(options)
        return Run()

    monkeypatch.setattr(trackio, "init", init)
    logger.log_hyperparams({"recipe": {"epochs": 3}})
    assert calls == []
    logger.log_metrics({"val/mae": 5.0}, step=7)
    logger.finalize("success")
    logger.finalize("success")
    assert calls[0]["space_id"] == "owner/space"
    assert calls[0]["config"] == {"recipe": {"epochs": 3}}
    assert calls[0]["resume"] == "allow"
    assert calls[1:] == [{"metrics": {"val/mae": 5.0}, "step": 7}, {"finished": True}]
