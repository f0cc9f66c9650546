from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from agelens.apps.service.batching import Batcher, OverloadedError
from agelens.inference.answers import Answer
from agelens.inference.predictor import Found


class Reader:
    """Answers each image with its own bytes as the name; remembers its batches."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.batches: list[tuple[int, float]] = []
        self.seconds = seconds
        self.threads: set[int] = set()
        self.opened: list[bytes] = []

    def find_faces(self, image: bytes) -> Found:
        time.sleep(self.seconds)
        self.threads.add(threading.get_ident())
        self.opened.append(image)
        if image == b"bad":
            raise RuntimeError("the detector broke")
        return Found(Answer(image.decode(), 1, 1))

    def read_found(self, found: Sequence[Found], level: float) -> Iterator[Answer]:
        self.batches.append((len(found), level))
        if found[0].answer.image == "worse":
            raise RuntimeError("the network broke")
        return (one.answer for one in found)


def run(reader: Reader, work, **options: object) -> object:
    async def whole() -> object:
        settings = {"capacity": 10, "batch": 4, "window": 0.02, "threads": 1} | options
        batcher = Batcher(reader, **settings)  # type: ignore[arg-type]
        batcher.start()
        try:
            return await work(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(whole())


def test_requests_share_batches_and_each_gets_its_own_answers() -> None:
    reader = Reader(seconds=0.002)

    async def work(batcher: Batcher) -> list[list[Answer]]:
        return await asyncio.gather(*(batcher.answer([b"%d" % n, b"x%d" % n], 0.9) for n in range(4)))

    answers = run(reader, work)
    assert [[a.image for a in one] for one in answers] == [[f"{n}", f"x{n}"] for n in range(4)]
    assert [size for size, _ in reader.batches] == [4, 4]


def test_without_a_window_a_found_face_is_read_before_another_image_is_opened() -> None:
    reader = Reader()
    opened_by_then: list[int] = []
    read = reader.read_found

    def watched(found: Sequence[Found], level: float) -> Iterator[Answer]:
        opened_by_then.append(len(reader.opened))
        return read(found, level)

    reader.read_found = watched  # type: ignore[method-assign]

    async def work(batcher: Batcher) -> None:
        await batcher.answer([b"a", b"b", b"c"], 0.9)

    run(reader, work, window=0.0)
    assert opened_by_then == [1, 2, 3]


def test_a_batch_whose_clients_have_all_given_up_is_none() -> None:
    sizes: list[int] = []
    reader = Reader(seconds=0.05)

    async def work(batcher: Batcher) -> None:
        given_up = asyncio.create_task(batcher.answer([b"a"], 0.9))
        await asyncio.sleep(0.02)  # its image is being opened
        given_up.cancel()
        await batcher.answer([b"b"], 0.9)

    run(reader, work, window=0.0, on_batch=sizes.append)
    assert reader.opened == [b"a", b"b"]
    assert sizes == [1]


def test_levels_are_not_mixed() -> None:
    reader = Reader()

    async def work(batcher: Batcher) -> None:
        await asyncio.gather(batcher.answer([b"a"], 0.9), batcher.answer([b"b"], 0.5))

    run(reader, work)
    assert sorted(reader.batches) == [(1, 0.5), (1, 0.9)]


def test_what_is_over_the_bound_is_refused_at_once_and_room_comes_back() -> None:
    async def work(batcher: Batcher) -> None:
        with batcher.room() as take:
            take(9)
            with pytest.raises(OverloadedError) as refused, batcher.room():
                pass
            assert refused.value.retry_after >= 1
        assert batcher.pending == 0
        with batcher.room() as take, pytest.raises(OverloadedError):
            take(10)
        assert batcher.pending == 0

    run(Reader(), work)


def test_a_client_that_gives_up_is_not_read_for() -> None:
    reader = Reader(seconds=0.05)

    async def work(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.answer([b"a"] * 4, 0.9))
        await asyncio.sleep(0.12)
        given_up = asyncio.create_task(batcher.answer([b"b"] * 4, 0.9))
        await asyncio.sleep(0)
        given_up.cancel()
        await first
        await batcher.answer([b"c"], 0.9)

    run(reader, work)
    assert reader.opened == [b"a"] * 4 + [b"c"]


def test_a_failure_reaches_its_requests_and_the_reading_goes_on() -> None:
    async def work(batcher: Batcher) -> list[Answer]:
        for image, fault in ((b"bad", "the detector broke"), (b"worse", "the network broke")):
            with pytest.raises(RuntimeError, match=fault):
                await batcher.answer([image], 0.9)
        return await batcher.answer([b"good"], 0.9)

    (answer,) = run(Reader(), work)
    assert answer.image == "good"


def test_idle_time_does_not_make_clients_wait_longer() -> None:
    async def work(batcher: Batcher) -> int:
        for _ in range(20):
            await batcher.answer([b"a"], 0.9)
            await asyncio.sleep(0.05)
        with batcher.room() as take:
            take(8)
            with pytest.raises(OverloadedError) as refused:
                take(2)
        return refused.value.retry_after

    reader = Reader(seconds=0.001)
    assert run(reader, work, capacity=10) == 1

    async def slow(batcher: Batcher) -> int:
        batcher._seconds_each = 2.0
        with batcher.room() as take, pytest.raises(OverloadedError) as refused:
            take(10)
        return refused.value.retry_after

    assert run(reader, slow, capacity=10) == 2


def test_threads_read_side_by_side() -> None:
    reader = Reader(seconds=0.05)

    async def work(batcher: Batcher) -> None:
        await asyncio.gather(*(batcher.answer([b"a"], 0.9) for _ in range(2)))

    started = time.perf_counter()
    run(reader, work, threads=2, batch=1)
    assert len(reader.threads) == 2
    assert time.perf_counter() - started < 0.3
