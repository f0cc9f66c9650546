"""A real server in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from servers.service import Server, start, stop


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = start()
    yield running
    stop(running)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def make(*options: str, keys: str = "") -> Server:
        started.append(start(*options, keys=keys))
        return started[-1]

    yield make
    for one in started:
        stop(one)
