"""Work done in threads ahead of whoever asks for it, its results in the order of its items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


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
