"""Besiege ``agelens serve`` on this machine: who means well is answered all the same.

    python benchmarks/siege.py [photo.jpg] [--seconds 20] [--serve "--threads 2"]

Honest clients send heavy pictures and wait for their answers; beside them, in turn: silent connections,
headers that trickle, headers that are large, bodies that trickle, and eight times the pictures that can be
read. Each phase gives good answers a second as a share of capacity, the probes that failed, and the server's
memory. All traffic stays on the loopback address, and every loop ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

#: Clients that wait for their answers before they ask again: they fill the service and no more.
HONEST = 8

SILENT = 2000
MEGAPIXELS = 12


@dataclass
class Tally:
    """What became of requests: how many by status, 0 for none."""

    statuses: dict[int, int] = field(default_factory=dict)

    def add(self, status: int) -> None:
        """One more."""
        self.statuses[status] = self.statuses.get(status, 0) + 1

    @property
    def good(self) -> int:
        """Those answered."""
        return self.statuses.get(200, 0)


class Besieged:
    """The address of the service, and the ways to ask it."""

    def __init__(self, port: int, picture: bytes) -> None:
        self.port = port
        self.head = (
            b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: %d\r\n\r\n" % len(picture)
        )
        self.picture = picture

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection, closed at the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def ask(self, request: bytes, seconds: float = 60.0) -> int:
        """The status of a request's answer; 0 for none."""
        try:
            async with asyncio.timeout(seconds), self.connected() as (reader, writer):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return 0
        return int(head.split(b" ", 2)[1])

    async def trickle(self, first: bytes, piece: bytes, until: float) -> int:
        """Send a beginning, then a piece twice a second while the server takes it; the status, or 0."""
        with contextlib.suppress(OSError):
            async with self.connected() as (reader, writer):
                writer.write(first)
                answer = asyncio.create_task(reader.read(4096))
                while not answer.done() and time.perf_counter() < until:
                    writer.write(piece)
                    await asyncio.wait([answer], timeout=0.5)
                if answer.done() and (content := answer.result()).startswith(b"HTTP/"):
                    return int(content.split(b" ", 2)[1])
                answer.cancel()
        return 0


async def repeated(task: Callable[[], Awaitable[int]], clients: int, until: float, tally: Tally) -> None:
    """So many clients, each doing the task again and again until then."""

    async def one() -> None:
        while time.perf_counter() < until:
            status = await task()
            if time.perf_counter() < until:
                tally.add(status)
            if status != 200:
                await asyncio.sleep(0.2)  # as Retry-After asks, but sooner

    await asyncio.gather(*(one() for _ in range(clients)))


async def probes(server: Besieged, until: float, tally: Tally) -> None:
    """Ask for life and readiness five times a second; readiness may say 503, but it must say something."""
    while time.perf_counter() < until:
        for path in (b"/healthz", b"/readyz"):
            status = await server.ask(b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path, 5.0)
            tally.add(200 if status == 200 or (path == b"/readyz" and status == 503) else status)
        await asyncio.sleep(0.2)


async def phase(
    server: Besieged,
    seconds: float,
    attack: Callable[[float, Tally], Awaitable[None]] | None = None,
    honest: int = HONEST,
) -> tuple[float, Tally, Tally, Tally]:
    """Good answers a second, and what became of honest requests, probes and attackers."""
    until = time.perf_counter() + seconds
    asked, probed, attacked = Tally(), Tally(), Tally()
    tasks: list[Awaitable[None]] = [
        repeated(lambda: server.ask(server.head + server.picture), honest, until, asked),
        probes(server, until, probed),
    ]
    if attack is not None:
        tasks.append(attack(until, attacked))
    await asyncio.gather(*tasks)
    return asked.good / seconds, asked, probed, attacked


def memory(process: int) -> float:
    """Resident MiB."""
    text = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS"))


async def besiege(process: subprocess.Popen[bytes], server: Besieged, seconds: float) -> bool:
    async def silent(until: float, tally: Tally) -> None:
        await repeated(lambda: server.trickle(b"", b"", until), SILENT, until, tally)

    async def slow_headers(until: float, tally: Tally) -> None:
        await repeated(lambda: server.trickle(b"GET / HTTP/1.1\r\n", b"X: a\r\n", until), 300, until, tally)

    async def large_headers(until: float, tally: Tally) -> None:
        huge = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + bytes(97 for _ in range(2**20))
        await repeated(lambda: server.ask(huge, 5.0), 8, until, tally)

    async def slow_bodies(until: float, tally: Tally) -> None:
        await repeated(lambda: server.trickle(server.head, b"a" * 100, until), 300, until, tally)

    async def flood(until: float, tally: Tally) -> None:
        await repeated(lambda: server.ask(server.head + server.picture), 7 * HONEST, until, tally)

    await phase(server, seconds / 2)  # warms up
    capacity, asked, _, _ = await phase(server, seconds)
    start = memory(process.pid)
    print(f"capacity {capacity:.2f} pictures of {MEGAPIXELS} megapixels a second; memory {start:.0f} MiB")
    held = True
    for name, attack in (
        (f"{SILENT} silent connections", silent),
        ("300 headers that trickle", slow_headers),
        ("headers of a mebibyte", large_headers),
        ("300 bodies that trickle", slow_bodies),
        (f"{8 * HONEST} clients with heavy pictures", flood),
    ):
        good, asked, probed, attacked = await phase(server, seconds, attack)
        good += attacked.good / seconds  # those of the flood mean well too
        failed = sum(count for status, count in probed.statuses.items() if status != 200)
        held &= good >= 0.8 * capacity and not failed
        print(
            f"{name}: good answers {good / capacity:.0%} of capacity ({asked.statuses}); probes failed: "
            f"{failed} of {sum(probed.statuses.values())}; attackers got {attacked.statuses}; "
            f"{memory(process.pid):.0f} MiB"
        )
    await asyncio.sleep(3 * seconds if seconds >= 20 else seconds)
    after = memory(process.pid)
    held &= after <= 1.1 * start
    print(f"afterwards: memory {start:.0f} -> {after:.0f} MiB ({after / start - 1:+.0%}); all held: {held}")
    return held


def heavy(photo: Path) -> bytes:
    """The photo, enlarged to a phone's megapixels."""
    with Image.open(photo) as picture:
        factor = (MEGAPIXELS * 1e6 / (picture.width * picture.height)) ** 0.5
        large = picture.convert("RGB").resize((round(picture.width * factor), round(picture.height * factor)))
        buffer = io.BytesIO()
        large.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=Path("examples/astronaut.jpg"))
    parser.add_argument("--seconds", type=float, default=20, help="of each phase")
    parser.add_argument("--serve", default="", help="further options of 'agelens serve'")
    options = parser.parse_args()
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, "-m", "agelens", "serve", "--port", str(port), *options.serve.split()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            server = Besieged(port, heavy(options.photo))
            held = asyncio.run(besiege(process, server, options.seconds))
        finally:
            process.terminate()
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
