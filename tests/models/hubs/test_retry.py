from __future__ import annotations

import email.utils
import time

import pytest

from agelens.models.hubs import retry


class BusyError(Exception):
    pass


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", taken.append)
    return taken


def failing(times: int) -> tuple[list[int], object]:
    calls: list[int] = []

    def action() -> str:
        calls.append(len(calls))
        if len(calls) <= times:
            raise BusyError(f"call {len(calls)}")
        return "done"

    return calls, action


def test_what_fails_for_the_moment_is_tried_again_after_growing_pauses(pauses: list[float]) -> None:
    calls, action = failing(3)
    assert retry.with_retries(action, lambda error: 0.0, "asking") == "done"  # type: ignore[arg-type]
    assert len(calls) == 4
    assert pauses == [1.0, 2.0, 4.0]


def test_the_last_failure_is_raised(pauses: list[float]) -> None:
    calls, action = failing(9)
    with pytest.raises(BusyError, match="call 4"):
        retry.with_retries(action, lambda error: 0.0, "asking")  # type: ignore[arg-type]
    assert len(pauses) == 3
    assert len(calls) == retry.ATTEMPTS


def test_the_pause_is_what_the_hub_asks_for(pauses: list[float]) -> None:
    _, action = failing(2)
    retry.with_retries(action, lambda error: 7.0, "asking")  # type: ignore[arg-type]
    assert pauses == [7.0, 7.0]


@pytest.mark.parametrize("asked", [None, retry.LONGEST_PAUSE + 1])
def test_what_will_not_pass_soon_is_not_tried_again(asked: float | None, pauses: list[float]) -> None:
    calls, action = failing(1)
    with pytest.raises(BusyError):
        retry.with_retries(action, lambda error: asked, "asking")  # type: ignore[arg-type]
    assert pauses == []
    assert len(calls) == 1


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry.retry_after("3") == 3
    assert retry.retry_after(None) == 0
    assert retry.retry_after("soon") == 0
    assert 3000 < retry.retry_after(email.utils.formatdate(time.time() + 3600, usegmt=True)) <= 3600
