"""Images of many requests, read together: a bounded queue, a few milliseconds' wait, threads that read.

What is over the bound is refused at once, so that a client hears it in milliseconds and nobody waits in a
queue longer than an answer is worth.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agelens.predictor import Answer

#: Reads images at a level of the age intervals: bytes -> answers, in order. Called from threads.
Read = Callable[[Sequence[bytes], float], Sequence[Answer]]

#: Of the running mean of the throughput.
_MEMORY = 0.9


class OverloadedError(Exception):
    """There is no room; ``retry_after`` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(slots=True)
class _Job:
    image: bytes
    level: float
    answer: asyncio.Future[Answer]


class Batcher:
    """Reads images in batches across requests.

    Attributes:
        pending: images admitted and not yet released.
    """

    def __init__(
        self,
        read: Read,
        *,
        capacity: int,
        batch: int,
        window: float,
        threads: int,
        on_batch: Callable[[int], None] = lambda size: None,
    ) -> None:
        """Take the reading function; ``start`` begins.

        Args:
            read: reads a batch.
            capacity: images admitted at once.
            batch: images read at once.
            window: seconds to wait for more.
            threads: that read.
            on_batch: told the size of each batch.
        """
        self.pending = 0
        self._read = read
        self._capacity = capacity
        self._batch = batch
        self._window = window
        self._threads = threads
        self._on_batch = on_batch
        self._jobs: deque[_Job] = deque()
        self._arrived = asyncio.Condition()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="agelens-read")
        self._tasks: list[asyncio.Task[None]] = []
        self._seconds_each = 0.05

    def start(self) -> None:
        """Begin to read; needs a running event loop."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._threads)]

    async def stop(self) -> None:
        """Stop reading; what was admitted has been answered by then."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.shutdown(wait=True)

    @contextmanager
    def room(self) -> Iterator[Callable[[int], None]]:
        """Hold room for one image; the function given asks for more. All is released at the end.

        Raises:
            OverloadedError: there is none.
        """
        held = 0

        def take(images: int) -> None:
            nonlocal held
            if self.pending + images > self._capacity:
                raise OverloadedError(self.retry_after())
            self.pending += images
            held += images

        take(1)
        try:
            yield take
        finally:
            self.pending -= held

    def retry_after(self) -> int:
        """Seconds until what is pending will have been read, at the pace of late."""
        return max(1, math.ceil(self.pending * self._seconds_each))

    async def answer(self, images: Sequence[bytes], level: float) -> list[Answer]:
        """The answers, in order. A cancelled wait takes its images out of the queue."""
        loop = asyncio.get_running_loop()
        jobs = [_Job(image, level, loop.create_future()) for image in images]
        async with self._arrived:
            self._jobs.extend(jobs)
            self._arrived.notify(len(jobs))
        try:
            return list(await asyncio.gather(*(job.answer for job in jobs)))
        finally:
            for job in jobs:
                job.answer.cancel()

    async def _work(self) -> None:
        while True:
            jobs = await self._next()
            self._on_batch(len(jobs))
            by_level: defaultdict[float, list[_Job]] = defaultdict(list)
            for job in jobs:
                by_level[job.level].append(job)
            for level, group in by_level.items():
                await self._serve(group, level)

    async def _next(self) -> list[_Job]:
        async with self._arrived:
            await self._arrived.wait_for(lambda: bool(self._jobs))
        if len(self._jobs) < self._batch and self._window:
            await asyncio.sleep(self._window)
        taken: list[_Job] = []
        while self._jobs and len(taken) < self._batch:
            job = self._jobs.popleft()
            if not job.answer.done():  # its client has not given up
                taken.append(job)
        return taken

    async def _serve(self, jobs: list[_Job], level: float) -> None:
        started = time.perf_counter()
        images = [job.image for job in jobs]
        try:
            results: Sequence[Any] = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._read, images, level
            )
        except Exception as error:  # the requests hear of it; the reading goes on
            results = [error] * len(jobs)
        each = (time.perf_counter() - started) / len(jobs) / self._threads
        self._seconds_each = _MEMORY * self._seconds_each + (1 - _MEMORY) * each
        for job, result in zip(jobs, results, strict=True):
            if job.answer.done():
                continue
            if isinstance(result, Exception):
                job.answer.set_exception(result)
            else:
                job.answer.set_result(result)
