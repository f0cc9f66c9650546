"""Many images looked at in threads: results in order, and an image's error in the place of its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from agelens.errors import AgeLensError

T = TypeVar("T")

#: Images by which decoding may run ahead of whoever takes the results; bounds what is held in memory.
WINDOW = 512


def decode_each(
    paths: Sequence[Path],
    look: Callable[[Path], T],
    *,
    progress: Callable[[int], None] = lambda done: None,
    workers: int = 2,
) -> Iterator[T | AgeLensError]:
    """What ``look`` answers for each path, in order; where it raises an AgeLensError, that error.

    Args:
        paths: image files.
        look: called in ``workers`` threads.
        progress: called with the number of images done so far.
        workers: threads; OpenCV and Pillow decode outside Python's lock.
    """

    def attempt(path: Path) -> T | AgeLensError:
        try:
            return look(path)
        except AgeLensError as error:
            return error

    done = 0
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(paths), WINDOW):
            for result in pool.map(attempt, paths[start : start + WINDOW]):
                done += 1
                progress(done)
                yield result
