"""Images of many requests, read together: a bounded queue, threads that find faces, one network for all.

Opening a picture and finding its faces takes most of the time and gains nothing from company, so each image
has a thread for that; the faces then go through the network in batches across requests. What is over the
bound is refused at once: a client hears it in milliseconds, and nobody waits longer than an answer is worth.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from agelens.answers import Answer
from agelens.predictor import Found

#: Of the running mean of the pace.
_MEMORY = 0.95


class Reader(Protocol):
    """What the batcher drives: a ``Predictor``. Called from threads."""

    def find_faces(self, image: bytes) -> Found:
        """Open an image and cut its faces out."""

    def read_found(self, found: Sequence[Found], level: float) -> Iterator[Answer]:
        """Run the network on the faces of several images."""


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
    found: Found | None = None

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Batcher:
    """Reads images in batches across requests.

    Attributes:
        pending: images admitted and not yet released.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        capacity: int,
        batch: int,
        window: float,
        threads: int,
        on_batch: Callable[[int], None] = lambda size: None,
    ) -> None:
        """Take the reader; ``start`` begins.

        Args:
            reader: finds faces and reads them.
            capacity: images admitted at once.
            batch: images whose faces go through the network at once.
            window: seconds to wait for more of them, while more are being opened.
            threads: that find faces.
            on_batch: told the size of each batch.
        """
        self.pending = 0
        self._reader = reader
        self._capacity = capacity
        self._batch = batch
        self._window = window
        self._threads = threads
        self._on_batch = on_batch
        self._unopened: asyncio.Queue[_Job] = asyncio.Queue()
        self._opened: asyncio.Queue[_Job] = asyncio.Queue()
        self._opening = 0
        self._finders = ThreadPoolExecutor(threads, thread_name_prefix="agelens-find")
        self._network = ThreadPoolExecutor(1, thread_name_prefix="agelens-network")
        self._tasks: list[asyncio.Task[None]] = []
        self._seconds_each = 0.05  # of work an image, the threads side by side

    def start(self) -> None:
        """Begin to read; needs a running event loop."""
        loops = [self._find() for _ in range(self._threads)] + [self._read()]
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Stop reading; what was admitted has been answered by then."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._finders.shutdown(wait=True)
        self._network.shutdown(wait=True)

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
                raise OverloadedError(max(1, math.ceil(self.pending * self._seconds_each)))
            self.pending += images
            held += images

        take(1)
        try:
            yield take
        finally:
            self.pending -= held

    async def answer(self, images: Sequence[bytes], level: float) -> list[Answer]:
        """The answers, in order. A cancelled wait takes its images out of the queue."""
        loop = asyncio.get_running_loop()
        jobs = [_Job(image, level, loop.create_future()) for image in images]
        for job in jobs:
            self._unopened.put_nowait(job)
        try:
            return list(await asyncio.gather(*(job.answer for job in jobs)))
        finally:
            for job in jobs:
                job.answer.cancel()

    async def _find(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            job = await self._unopened.get()
            if job.answer.done():  # its client has given up
                continue
            self._opening += 1
            started = time.monotonic()
            try:
                job.found = await loop.run_in_executor(self._finders, self._reader.find_faces, job.image)
                job.image = b""
                self._opened.put_nowait(job)
                each = (time.monotonic() - started) / self._threads
                self._seconds_each = _MEMORY * self._seconds_each + (1 - _MEMORY) * each
            except Exception as error:  # its request hears of it; the others go on
                job.fail(error)
            finally:
                self._opening -= 1

    async def _read(self) -> None:
        while True:
            jobs = [job for job in await self._gather() if not job.answer.done()]
            self._on_batch(len(jobs))
            by_level: defaultdict[float, list[_Job]] = defaultdict(list)
            for job in jobs:
                by_level[job.level].append(job)
            for level, group in by_level.items():
                await self._serve(group, level)

    async def _gather(self) -> list[_Job]:
        jobs = [await self._opened.get()]
        ends = asyncio.get_running_loop().time() + self._window
        while len(jobs) < self._batch:
            if self._opened.empty() and self._opening == 0:
                break  # nobody is about to come
            try:
                async with asyncio.timeout_at(ends):
                    jobs.append(await self._opened.get())
            except TimeoutError:
                break
        return jobs

    async def _serve(self, jobs: list[_Job], level: float) -> None:
        found = [job.found for job in jobs if job.found is not None]
        try:
            answers = await asyncio.get_running_loop().run_in_executor(
                self._network, lambda: list(self._reader.read_found(found, level))
            )
        except Exception as error:  # the requests hear of it; the reading goes on
            for job in jobs:
                job.fail(error)
            return
        for job, answer in zip(jobs, answers, strict=True):
            if not job.answer.done():
                job.answer.set_result(answer)
