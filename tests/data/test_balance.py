from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agelens.data.balance import balance_of, draw_balance
from agelens.labels import Gender, Sample

SAMPLES = [
    Sample("a", age=9.9, gender=Gender.MALE, split="train"),
    Sample("b", age=10, gender=Gender.FEMALE, split="train"),
    Sample("c", age_low=10, age_high=19, gender=Gender.FEMALE, split="test"),
    Sample("d", age=100, split="train"),
    Sample("e", gender=Gender.MALE, split="train"),
]


def test_faces_are_counted_by_decade_and_gender() -> None:
    assert balance_of(SAMPLES) == {
        "0s": {"male": 1},
        "10s": {"female": 2},
        "100+": {"unknown": 1},
        "unknown": {"male": 1},
    }
    assert list(balance_of(SAMPLES)) == ["0s", "10s", "100+", "unknown"]
    assert balance_of([]) == {}


def test_the_balance_is_drawn_with_a_panel_a_split(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_balance(tmp_path / "two.png", SAMPLES)
    draw_balance(tmp_path / "one.png", SAMPLES[:2])
    two, one = Image.open(tmp_path / "two.png"), Image.open(tmp_path / "one.png")
    assert two.height > 1.5 * one.height
    draw_balance(tmp_path / "b.svg", SAMPLES)
    assert "<svg" in (tmp_path / "b.svg").read_text()
