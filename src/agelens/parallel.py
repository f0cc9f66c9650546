"""Work done in threads ahead of whoever asks for it, its results in the order of its items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from agelens.errors import AgeLensError

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Told how many items are done.
Progress = Callable[[int], None]

#: Results by which ``attempt_each`` may run ahead of whoever takes them; bounds what is held in memory.
WINDOW = 512


def silent(done: int) -> None:
    """The progress that nobody watches."""


def map_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, *, ahead: int
) -> Iterator[Result]:
    """The result of every item, in order, while others are worked on.

    Args:
        work: called in threads; an error that it raises is raised in its item's place.
        items: taken one by one, so that there may be any number of them.
        threads: how many work at once.
        ahead: results held or under way at once: what bounds the memory.
    """
    source = iter(items)
    pool = ThreadPoolExecutor(threads)
    try:
        pending = deque(pool.submit(work, item) for item in islice(source, ahead))
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(work, item) for item in islice(source, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def attempt_each(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int = 2, *, progress: Progress = silent
) -> Iterator[Result | AgeLensError]:
    """As ``map_ahead``, but an AgeLensError stands in the place of its item's result."""

    def attempt(item: Item) -> Result | AgeLensError:
        try:
            return work(item)
        except AgeLensError as error:
            return error

    for done, result in enumerate(map_ahead(attempt, items, threads, ahead=WINDOW), start=1):
        progress(done)
        yield result
