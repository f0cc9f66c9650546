from __future__ import annotations

import pytest

from agelens.cli.train import _print


def test_the_best_epoch_is_printed_by_the_table_of_figures(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("score", "mae", "rmse", "gender_accuracy", "gender_macro_f1", "age_kl", "gender_ce")
    _print({f"{split}/{key}": 0.87654 for split in ("val", "test") for key in keys})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["the", "best", "epoch", "val", "test"]
    assert ["competition", "score", "0.877", "0.877"] in lines
    assert ["gender", "accuracy", "87.7%", "87.7%"] in lines
    assert ["age", "KL", "divergence,", "nats", "0.8765", "0.8765"] in lines
