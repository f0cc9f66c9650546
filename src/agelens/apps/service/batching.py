"""Images of many requests, read together: a bounded queue, and threads that find faces and read them.

Opening a picture and finding its faces takes most of the time and gains nothing from company, so each image
has a thread for that; the faces then go through the network in batches across requests. Both are done by the
same threads, one a core: what is nearest to its answer goes first, and no image waits because a core works
for three. What is over the bound is refused at once: a client hears it in milliseconds, and nobody waits
longer than an answer is worth.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from agelens.inference.answers import Answer
from agelens.inference.predictor import Found

#: Of the running mean of the pace.
_MEMORY = 0.95

_Result = TypeVar("_Result")


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
    opened: float = 0.0  # when, by the monotonic clock

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
            window: seconds a found face may wait for company while there are images to open.
            threads: that find faces and read them.
            on_batch: told the size of each batch.
        """
        self.pending = 0
        self._reader = reader
        self._capacity = capacity
        self._batch = batch
        self._window = window
        self._threads = threads
        self._on_batch = on_batch
        self._unopened: deque[_Job] = deque()
        self._opened: deque[_Job] = deque()
        self._signals = asyncio.Semaphore(0)  # at least one for each job that waits
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="agelens")
        self._workers: list[asyncio.Task[None]] = []
        self._seconds_each = 0.05  # of work an image, the threads side by side

    def start(self) -> None:
        """Begin to read; needs a running event loop."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._threads)]

    async def stop(self) -> None:
        """Stop reading; what was admitted has been answered by then."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
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
            self._unopened.append(job)
            self._signals.release()
        try:
            return list(await asyncio.gather(*(job.answer for job in jobs)))
        finally:
            for job in jobs:
                job.answer.cancel()

    async def _work(self) -> None:
        while True:
            await self._signals.acquire()
            if jobs := self._due():
                await self._read(jobs)
            elif self._unopened:
                await self._find(self._unopened.popleft())

    def _due(self) -> list[_Job]:
        """Take the jobs whose faces should be read before another image is opened."""
        if not self._opened:
            return []
        waited = time.monotonic() - self._opened[0].opened
        if self._unopened and len(self._opened) < self._batch and waited < self._window:
            return []
        return [self._opened.popleft() for _ in range(min(self._batch, len(self._opened)))]

    async def _find(self, job: _Job) -> None:
        if job.answer.done():  # its client has given up
            return
        started = time.monotonic()
        try:
            job.found = await self._in_thread(lambda: self._reader.find_faces(job.image))
        except Exception as error:  # its request hears of it; the others go on
            job.fail(error)
            return
        job.image = b""
        job.opened = time.monotonic()
        self._opened.append(job)
        self._signals.release()
        each = (job.opened - started) / self._threads
        self._seconds_each = _MEMORY * self._seconds_each + (1 - _MEMORY) * each

    async def _read(self, jobs: list[_Job]) -> None:
        jobs = [job for job in jobs if not job.answer.done()]
        if jobs:
            self._on_batch(len(jobs))
        by_level: defaultdict[float, list[_Job]] = defaultdict(list)
        for job in jobs:
            by_level[job.level].append(job)
        for level, group in by_level.items():
            await self._serve(group, level)

    async def _serve(self, jobs: list[_Job], level: float) -> None:
        found = [job.found for job in jobs if job.found is not None]
        try:
            answers = await self._in_thread(lambda: list(self._reader.read_found(found, level)))
        except Exception as error:  # the requests hear of it; the reading goes on
            for job in jobs:
                job.fail(error)
            return
        for job, answer in zip(jobs, answers, strict=True):
            if not job.answer.done():
                job.answer.set_result(answer)

    def _in_thread(self, work: Callable[[], _Result]) -> Awaitable[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work)
