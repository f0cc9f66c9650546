"""Images of many requests, answered together: a bounded queue, and threads that find faces and infer.

Opening a picture and finding its faces takes most of the time and gains nothing from a batch, so each image
has a thread for that; the faces then go through the network in batches across requests. The same threads,
one a core, do both: the image that is nearest to its answer goes first, and no core works for several images
while others wait. Images over the bound are refused at once: a client hears of it in milliseconds, and nobody
waits longer than an answer is worth.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from agelens.apps.service.problems import RefusedError
from agelens.apps.service.settings import Settings
from agelens.inference.aligning import AlignedFaces
from agelens.inference.answers import Answer
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.inference.sources import ImageRef

#: Decay of the running means of seconds per image: ten images on, three quarters of them are new.
_DECAY = 0.87


class OverloadedError(RefusedError):
    """There is no room for more images; ``retry_after`` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        detail = f"too many images are waiting; try again in {retry_after} s"
        super().__init__(503, detail, {"Retry-After": str(retry_after)})
        self.retry_after = retry_after


@dataclass(slots=True)
class _Job:
    image: ImageRef | None  # None once it has been opened: its bytes are not needed any more
    options: AnswerOptions
    answer: asyncio.Future[Answer]
    faces: AlignedFaces | None = None
    opened: float = 0.0  # when, by the monotonic clock, seconds

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Batcher:
    """Answers images in batches across requests, within the settings of the service.

    The predictor is called from threads; ``on_batch`` is told the number of images of each batch.

    Attributes:
        pending: images admitted and not yet released.
    """

    def __init__(
        self, predictor: Predictor, settings: Settings, on_batch: Callable[[int], None] = lambda size: None
    ) -> None:
        self.pending = 0
        self._predictor = predictor
        self._settings = settings
        self._on_batch = on_batch
        self._unopened: deque[_Job] = deque()
        self._opened: deque[_Job] = deque()
        self._signals = asyncio.Semaphore(0)  # at least one for each job that waits
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="agelens")
        self._workers: list[asyncio.Task[None]] = []
        # Per image, all threads working side by side.
        self._detect_seconds, self._infer_seconds = 0.04, 0.01

    def start(self) -> None:
        """Begin to work; needs a running event loop."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._settings.threads)]

    async def stop(self) -> None:
        """Stop working; what was admitted has been answered by then."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._pool.shutdown(wait=True)

    def wait_seconds(self, images: int) -> float:
        """How long so many images, and those admitted before them, will take at the pace of the last ones."""
        return (self.pending + images) * (self._detect_seconds + self._infer_seconds)

    @contextmanager
    def room(self, images: int = 1) -> Iterator[None]:
        """Hold room for so many images. An idle service takes whatever the queue can hold.

        Raises:
            OverloadedError: the queue is full, or the deadline would pass before their answers.
        """
        late = self.pending > 0 and self.wait_seconds(images) > self._settings.deadline_seconds
        if late or self.pending + images > self._settings.queue:
            raise OverloadedError(max(1, math.ceil(self.wait_seconds(0))))
        self.pending += images
        try:
            yield
        finally:
            self.pending -= images

    async def answer(self, images: Sequence[ImageRef], options: AnswerOptions) -> list[Answer]:
        """The answers, in order. A cancelled wait takes its images out of the queue."""
        loop = asyncio.get_running_loop()
        jobs = [_Job(image, options, loop.create_future()) for image in images]
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
                await self._infer(jobs)
            elif self._unopened:
                await self._detect(self._unopened.popleft())

    def _due(self) -> list[_Job]:
        """Take the jobs whose faces should go through the network before another image is opened."""
        if not self._opened:
            return []
        size, waited = self._settings.batch_size, time.monotonic() - self._opened[0].opened
        if self._unopened and len(self._opened) < size and waited < self._settings.window_ms / 1000:
            return []
        return [self._opened.popleft() for _ in range(min(size, len(self._opened)))]

    async def _detect(self, job: _Job) -> None:
        image, job.image = job.image, None
        if image is None or job.answer.done():  # its client has given up
            return
        started, loop = time.monotonic(), asyncio.get_running_loop()
        try:
            job.faces = await loop.run_in_executor(self._pool, self._predictor.detect, image, job.options)
        except Exception as error:  # its request hears of it; the others go on
            job.fail(error)
            return
        job.opened = time.monotonic()
        self._opened.append(job)
        self._signals.release()
        each = (job.opened - started) / self._settings.threads
        self._detect_seconds = _DECAY * self._detect_seconds + (1 - _DECAY) * each

    async def _infer(self, jobs: list[_Job]) -> None:
        jobs = [job for job in jobs if not job.answer.done()]
        if jobs:
            self._on_batch(len(jobs))
        for options in dict.fromkeys(job.options for job in jobs):
            await self._infer_alike([job for job in jobs if job.options == options], options)

    async def _infer_alike(self, jobs: list[_Job], options: AnswerOptions) -> None:
        faces = [job.faces for job in jobs if job.faces is not None]
        loop, infer, started = asyncio.get_running_loop(), self._predictor.infer, time.monotonic()
        try:
            answers = await loop.run_in_executor(self._pool, lambda: list(infer(faces, options)))
        except Exception as error:  # the requests hear of it; the service goes on
            for job in jobs:
                job.fail(error)
            return
        each = (time.monotonic() - started) / len(jobs) / self._settings.threads
        self._infer_seconds = _DECAY * self._infer_seconds + (1 - _DECAY) * each
        for job, answer in zip(jobs, answers, strict=True):
            if not job.answer.done():
                job.answer.set_result(answer)
