from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from agelens.errors import ImageError
from agelens.parallel import attempt_each, map_ahead


def test_results_come_in_the_order_of_the_items() -> None:
    first_may_end = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert first_may_end.wait(10)
        if item == 1:
            first_may_end.set()
        return item * item

    assert list(map_ahead(work, range(20), 2, ahead=4)) == [item * item for item in range(20)]
    assert list(map_ahead(work, [], 2, ahead=4)) == []


def test_no_more_items_are_taken_than_may_be_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = map_ahead(lambda item: item, items(), 2, ahead=5)
    for done in range(1, 4):
        next(results)
        assert len(taken) == 5 + done
    results.close()  # type: ignore[attr-defined]


def test_an_error_is_raised_in_its_items_place() -> None:
    results = map_ahead(lambda item: 1 // item, [1, 1, 0, 1], 2, ahead=4)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_an_image_that_cannot_be_read_is_told_in_its_place_and_progress_goes_on() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ImageError("3 is no picture")
        return item

    told: list[int] = []
    results = list(attempt_each(work, range(6), progress=told.append))
    assert [str(result) for result in results] == ["0", "1", "2", "3 is no picture", "4", "5"]
    assert isinstance(results[3], ImageError)
    assert told == [1, 2, 3, 4, 5, 6]
    assert list(attempt_each(work, [])) == []
    with pytest.raises(ZeroDivisionError):
        list(attempt_each(lambda item: 1 // item, [0]))
