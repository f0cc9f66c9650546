"""Load ``agelens serve``: latency below capacity, refusals above it, recovery, a soak, an end.

    python benchmarks/load.py [photo.jpg] [--soak 600] [--seconds 20] [--serve "--threads 2"]

Arrivals are evenly spaced, as k6's constant-arrival-rate has them, and do not wait for answers; capacity is
what sixteen clients that do wait get. Client and server share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CLIENTS = 16

#: Seconds after which an idle connection is not used again: the server closes it at 30.
IDLE = 20.0


@dataclass
class Result:
    """What became of the requests of one phase; seconds."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    lost: int = 0

    def add(self, status: int, seconds: float) -> None:
        """One answered request."""
        self.seconds.setdefault(status, []).append(seconds)

    def quantile(self, status: int, share: float) -> float:
        """Milliseconds."""
        taken = sorted(self.seconds.get(status, [0.0]))
        return 1000 * taken[min(len(taken) - 1, int(share * len(taken)))]

    def counts(self) -> dict[int, int]:
        """Answers by status."""
        return {status: len(taken) for status, taken in sorted(self.seconds.items())}


class Client:
    """Keeps connections open and takes a free one for each request."""

    def __init__(self, port: int, image: bytes) -> None:
        head = (
            b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
        )
        self._port, self._request = port, head % len(image) + image
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []

    async def request(self, result: Result) -> None:
        """Send one and wait for its answer."""
        started = time.perf_counter()
        try:
            reader, writer = await self._connection()
            writer.write(self._request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError, StopIteration):
            result.lost += 1
            return
        result.add(int(head.split(b" ", 2)[1]), time.perf_counter() - started)
        self._free.append((reader, writer, time.perf_counter()))

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._free:
            reader, writer, since = self._free.pop()
            if time.perf_counter() - since < IDLE:
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)


async def waiting(client: Client, clients: int, seconds: float) -> Result:
    """So many clients, each waiting for its answer before it asks again."""
    result, ends = Result(), time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < ends:
            await client.request(result)

    await asyncio.gather(*(one() for _ in range(clients)))
    return result


async def steady(client: Client, rate: float, seconds: float, at_end: asyncio.Event | None = None) -> Result:
    """So many requests a second, whatever becomes of them."""
    result, tasks, started = Result(), [], time.perf_counter()
    for number in range(int(rate * seconds)):
        delay = started + number / rate - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        if at_end is not None and at_end.is_set():
            break
        tasks.append(asyncio.create_task(client.request(result)))
    await asyncio.gather(*tasks)
    return result


def memory(process: int) -> float:
    """Resident MiB."""
    text = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS"))


async def measure(process: subprocess.Popen[bytes], port: int, options: argparse.Namespace) -> None:
    client = Client(port, options.photo.read_bytes())
    await waiting(client, 4, 3)  # warms up
    alone = (await waiting(client, 1, options.seconds / 2)).quantile(200, 0.5)
    full = await waiting(client, CLIENTS, options.seconds)
    capacity = len(full.seconds[200]) / options.seconds
    print(f"unloaded median {alone:.1f} ms; capacity {capacity:.0f} images a second")

    most = await steady(client, 0.8 * capacity, options.seconds)
    p50, p95 = most.quantile(200, 0.5), most.quantile(200, 0.95)
    print(
        f"at 80 %: {most.counts()}, lost {most.lost}; p50 {p50:.1f} ms, p95 {p95:.1f} ms, "
        f"{p95 / alone:.2f} × the unloaded median"
    )

    before = memory(process.pid)
    over = await steady(client, 3 * capacity, options.seconds)
    print(
        f"at 300 %: {over.counts()}, lost {over.lost}; 503 in p50 {over.quantile(503, 0.5):.1f} ms, p99 "
        f"{over.quantile(503, 0.99):.1f} ms; 200 in p95 {over.quantile(200, 0.95):.0f} ms; memory "
        f"{before:.0f} -> {memory(process.pid):.0f} MiB"
    )
    started = time.perf_counter()
    while True:
        one = Result()
        await client.request(one)
        if 200 in one.seconds and 1000 * one.seconds[200][-1] < 2 * alone:
            break
    print(f"itself again {time.perf_counter() - started:.2f} s later")

    if options.soak:
        samples = await soak(process, client, 0.8 * capacity, options.soak)
        warm = statistics.mean(samples[len(samples) // 10 : len(samples) // 5])
        last = statistics.mean(samples[-len(samples) // 10 :])
        print(f"soak {options.soak:.0f} s: memory {warm:.0f} -> {last:.0f} MiB ({last / warm - 1:+.1%})")

    ending = asyncio.Event()
    load = asyncio.create_task(steady(client, 0.8 * capacity, 30, ending))
    await asyncio.sleep(3)
    process.send_signal(signal.SIGTERM)
    ending.set()
    result = await load
    print(f"SIGTERM under load: answered {result.counts()}, lost {result.lost}")


async def soak(
    process: subprocess.Popen[bytes], client: Client, rate: float, seconds: float
) -> Sequence[float]:
    """Memory, MiB, every two seconds of a steady load."""
    samples: list[float] = []
    load = asyncio.create_task(steady(client, rate, seconds))
    while not load.done():
        samples.append(memory(process.pid))
        await asyncio.sleep(2)
    print(f"soak: {Counter((await load).counts())}")
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=Path("examples/astronaut.jpg"))
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--soak", type=float, default=0)
    parser.add_argument("--serve", default="", help="further options of 'agelens serve'")
    options = parser.parse_args()
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, "-m", "agelens", "serve", "--port", str(port), *options.serve.split()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            asyncio.run(measure(process, port, options))
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
