from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agelens.data import decoding
from agelens.data.decoding import decode_each
from agelens.errors import ImageError


def test_results_come_in_order_with_errors_in_their_place_and_progress_told() -> None:
    def look(path: Path) -> int:
        if path.name == "3":
            raise ImageError("3 is no picture")
        return int(path.name)

    told: list[int] = []
    paths = [Path(str(number)) for number in range(6)]
    results = list(decode_each(paths, look, progress=told.append))
    assert [str(result) for result in results] == ["0", "1", "2", "3 is no picture", "4", "5"]
    assert isinstance(results[3], ImageError)
    assert told == [1, 2, 3, 4, 5, 6]
    assert list(decode_each([], look)) == []


def test_an_error_that_is_not_the_images_is_raised() -> None:
    def look(path: Path) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(decode_each([Path("a")], look))


def test_decoding_runs_ahead_by_one_window_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "WINDOW", 4)
    seen: list[Path] = []
    lock = threading.Lock()

    def look(path: Path) -> Path:
        with lock:
            seen.append(path)
        return path

    results = decode_each([Path(str(number)) for number in range(12)], look)
    assert next(results) == Path("0")
    assert len(seen) <= 4
    assert len(list(results)) == 11
