from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from agelens.apps.service.batching import Batcher, OverloadedError
from agelens.apps.service.settings import Settings
from agelens.inference.aligning import AlignedFaces
from agelens.inference.answers import Answer
from agelens.inference.options import AnswerOptions
from agelens.inference.sources import ImageRef

DEFAULT = AnswerOptions()


def refs(*names: str) -> list[ImageRef]:
    return [ImageRef(name, b"") for name in names]


class Engine:
    """Answers each image without a face, under its name; remembers its batches."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.batches: list[tuple[int, float]] = []  # images, level
        self.seconds = seconds
        self.threads: set[int] = set()
        self.opened: list[str] = []

    def detect(self, image: ImageRef, options: AnswerOptions) -> AlignedFaces:
        time.sleep(self.seconds)
        self.threads.add(threading.get_ident())
        self.opened.append(image.name)
        if image.name == "bad":
            raise RuntimeError("the detector broke")
        return AlignedFaces(Answer(image.name, 1, 1))

    def infer(self, images: Sequence[AlignedFaces], options: AnswerOptions) -> Iterator[Answer]:
        self.batches.append((len(images), options.level))
        if images[0].answer.image == "worse":
            raise RuntimeError("the network broke")
        return (one.answer for one in images)


def run(engine: Engine, work, *, on_batch=lambda size: None, **options: float) -> object:
    async def whole() -> object:
        settings = Settings(**{"queue": 10, "batch_size": 4, "window_ms": 20, "threads": 1} | options)
        batcher = Batcher(engine, settings, on_batch)  # type: ignore[arg-type]
        batcher.start()
        try:
            return await work(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(whole())


def test_requests_share_batches_and_each_gets_its_own_answers() -> None:
    engine = Engine(seconds=0.002)

    async def work(batcher: Batcher) -> list[list[Answer]]:
        return await asyncio.gather(*(batcher.answer(refs(f"{n}", f"x{n}"), DEFAULT) for n in range(4)))

    answers = run(engine, work)
    assert [[a.image for a in one] for one in answers] == [[f"{n}", f"x{n}"] for n in range(4)]
    assert [size for size, _ in engine.batches] == [4, 4]


def test_without_a_window_a_found_face_is_read_before_another_image_is_opened() -> None:
    engine = Engine()
    opened_by_then: list[int] = []
    infer = engine.infer

    def watched(images: Sequence[AlignedFaces], options: AnswerOptions) -> Iterator[Answer]:
        opened_by_then.append(len(engine.opened))
        return infer(images, options)

    engine.infer = watched  # type: ignore[method-assign]

    async def work(batcher: Batcher) -> None:
        await batcher.answer(refs("a", "b", "c"), DEFAULT)

    run(engine, work, window_ms=0.0)
    assert opened_by_then == [1, 2, 3]


def test_a_batch_whose_clients_have_all_given_up_is_none() -> None:
    sizes: list[int] = []
    engine = Engine(seconds=0.05)

    async def work(batcher: Batcher) -> None:
        given_up = asyncio.create_task(batcher.answer(refs("a"), DEFAULT))
        await asyncio.sleep(0.02)  # its image is being opened
        given_up.cancel()
        await batcher.answer(refs("b"), DEFAULT)

    run(engine, work, window_ms=0.0, on_batch=sizes.append)
    assert engine.opened == ["a", "b"]
    assert sizes == [1]


def test_options_are_not_mixed() -> None:
    engine = Engine()

    async def work(batcher: Batcher) -> None:
        await asyncio.gather(
            batcher.answer(refs("a"), DEFAULT), batcher.answer(refs("b"), AnswerOptions(level=0.5))
        )

    run(engine, work)
    assert sorted(engine.batches) == [(1, 0.5), (1, 0.9)]


def test_what_is_over_the_bound_is_refused_at_once_and_room_comes_back() -> None:
    async def work(batcher: Batcher) -> None:
        with batcher.room(10):
            with pytest.raises(OverloadedError) as refused, batcher.room():
                pass
            assert refused.value.retry_after >= 1
        assert batcher.pending == 0
        with pytest.raises(OverloadedError), batcher.room(11):
            pass
        assert batcher.pending == 0

    run(Engine(), work)


def test_what_cannot_be_answered_by_the_deadline_is_not_admitted() -> None:
    async def work(batcher: Batcher) -> tuple[float, int]:
        for _ in range(30):  # so many images, and the estimate has followed from 0.05 s
            await batcher.answer(refs("a"), DEFAULT)
        each, admitted = batcher.wait_seconds(1), 0
        with contextlib.ExitStack() as stack, contextlib.suppress(OverloadedError):
            while admitted < 100:
                stack.enter_context(batcher.room())
                admitted += 1
        return each, admitted

    each, admitted = run(Engine(seconds=0.1), work, queue=100, threads=1, deadline_seconds=1.0)
    assert each == pytest.approx(0.1, rel=0.5)
    assert admitted == int(1.0 / each)
    _, admitted = run(Engine(seconds=0.001), work, queue=100, threads=1, deadline_seconds=1.0)
    assert admitted == 100


def test_an_idle_service_takes_an_image_however_slow_the_last_was() -> None:
    async def work(batcher: Batcher) -> None:
        await batcher.answer(refs("a"), DEFAULT)
        with batcher.room():
            assert batcher.pending == 1

    run(Engine(seconds=0.3), work, threads=1, deadline_seconds=0.01)


def test_a_client_that_gives_up_is_not_read_for() -> None:
    engine = Engine(seconds=0.05)

    async def work(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.answer(refs(*"aaaa"), DEFAULT))
        await asyncio.sleep(0.12)
        given_up = asyncio.create_task(batcher.answer(refs(*"bbbb"), DEFAULT))
        await asyncio.sleep(0)
        given_up.cancel()
        await first
        await batcher.answer(refs("c"), DEFAULT)

    run(engine, work)
    assert engine.opened == [*"aaaac"]


def test_a_failure_reaches_its_requests_and_the_reading_goes_on() -> None:
    async def work(batcher: Batcher) -> list[Answer]:
        for image, fault in (("bad", "the detector broke"), ("worse", "the network broke")):
            with pytest.raises(RuntimeError, match=fault):
                await batcher.answer(refs(image), DEFAULT)
        return await batcher.answer(refs("good"), DEFAULT)

    (answer,) = run(Engine(), work)
    assert answer.image == "good"


def test_idle_time_does_not_make_clients_wait_longer() -> None:
    async def work(batcher: Batcher) -> float:
        for _ in range(20):
            await batcher.answer(refs("a"), DEFAULT)
            await asyncio.sleep(0.05)
        return batcher.wait_seconds(10)

    assert run(Engine(seconds=0.001), work, queue=10) < 0.2


def test_a_refused_client_is_told_how_long_those_before_it_will_take() -> None:
    async def work(batcher: Batcher) -> tuple[float, int]:
        for _ in range(20):
            await batcher.answer(refs("a"), DEFAULT)
        with batcher.room(10), pytest.raises(OverloadedError) as refused, batcher.room():
            pass
        return 10 * batcher.wait_seconds(1), refused.value.retry_after

    seconds, told = run(Engine(seconds=0.15), work, queue=10, threads=1)
    assert told == pytest.approx(seconds, abs=1.01)
    assert told >= 2


def test_threads_work_side_by_side() -> None:
    together = threading.Barrier(2, timeout=30)  # broken where one image waits for the other

    class Meeting(Engine):
        def detect(self, image: ImageRef, options: AnswerOptions) -> AlignedFaces:
            together.wait()
            return super().detect(image, options)

    engine = Meeting()

    async def work(batcher: Batcher) -> None:
        await asyncio.gather(*(batcher.answer(refs("a"), DEFAULT) for _ in range(2)))

    run(engine, work, threads=2, batch_size=1)
    assert len(engine.threads) == 2
