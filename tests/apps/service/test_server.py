"""The server before the application: headers, silence, garbage, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import tempfile
import threading
import time
from pathlib import Path

import httpx
import pytest

from agelens.apps.service.server import HEADER_BYTES, HEADER_SECONDS
from servers.service import Server, start, stop


def ask(server: Server, *parts: bytes) -> tuple[int, dict[str, object]]:
    """Send raw bytes; the status and the problem that come back before the connection is closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        for part in parts:
            one.sendall(part)
        answer = b""
        while chunk := one.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    return int(head.split(b" ", 2)[1]), json.loads(body)


def counted(server: Server, status: int) -> float:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    name = f'agelens_requests_total{{path="other",status="{status}"}} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the start of a TLS handshake
        b"GET\r\n\r\n",
        b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: minus\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_problem_like_every_other_and_counted(garbage: bytes, server: Server) -> None:
    before = counted(server, 400)
    status, problem = ask(server, garbage + b"\r\n\r\n")
    assert (status, problem["status"]) == (400, 400)
    assert problem["detail"] == "this is no HTTP/1.1 request"
    assert counted(server, 400) == before + 1


def test_large_headers_are_refused_and_cost_no_memory(server: Server) -> None:
    before = server.memory
    for _ in range(20):
        status, problem = ask(server, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (HEADER_BYTES + 1))
        assert status == 431
        assert "16 KiB" in str(problem["detail"])
    assert server.memory < before + 20 * 2**20


def test_headers_that_never_end_are_refused_in_time(server: Server) -> None:
    status, problem = ask(server, b"GET /healthz HTTP/1.1\r\n", b"Host: a\r\n")
    assert status == 408
    assert f"{HEADER_SECONDS:g} s" in str(problem["detail"])


def test_a_second_request_has_its_time_too(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b'{"status":"ok"}'):
            answer += one.recv(65536)
        one.sendall(b"GET /healthz HTT")
        assert b"408" in one.recv(65536)


def test_silent_connections_are_dropped_and_hold_up_nobody(server: Server) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(500)]
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert all(one.recv(1) == b"" for one in silent)
    for one in silent:
        one.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_ends_it_without_a_failure_a_reset_or_a_trace(workers: str, astronaut: Path) -> None:
    server = start("--workers", workers, "--deadline-seconds", "60")
    before = set(Path(tempfile.gettempdir()).glob("agelens-*"))
    outcomes: list[object] = []

    def client() -> None:
        for _ in range(200):
            try:
                answer = httpx.post(
                    f"{server.url}/v1/predict",
                    content=astronaut.read_bytes(),
                    headers={"Content-Type": "image/jpeg"},
                    timeout=60,
                )
                outcomes.append(answer.status_code)
            except httpx.ConnectError:
                return
            except httpx.TransportError as error:
                outcomes.append(error)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for one in clients:
        one.start()
    while len(outcomes) < 4:
        time.sleep(0.05)
    stop(server)
    for one in clients:
        one.join()
    assert server.process.returncode == 0
    assert set(outcomes) == {200}
    assert not set(Path(tempfile.gettempdir()).glob("agelens-*")) - before


def refuses(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return False
    except ConnectionRefusedError:
        return True


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_closes_the_address_first_and_waits_for_nobody_who_hangs(
    workers: str, astronaut: Path
) -> None:
    before = set(Path(tempfile.gettempdir()).iterdir())
    server = start("--workers", workers)
    body = astronaut.read_bytes()
    head = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nConnection: close\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n".encode()

    def connect(*parts: bytes) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        for part in parts:
            one.sendall(part)
        return one

    silent = [connect() for _ in range(40)]
    idle = [connect(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(4)]
    assert all(b"200 OK" in one.recv(65536) for one in idle)
    begun = [connect(b"GET /healthz HTTP/1.1\r\nHo") for _ in range(10)]
    uploads = [connect(head, body[:1000]) for _ in range(4)]
    hanging = [connect(head, body[:1000]) for _ in range(2)]  # these never send the rest
    time.sleep(0.5)
    started = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    while not refuses(server.port):
        assert time.monotonic() - started < 5
        time.sleep(0.05)
    assert server.process.poll() is None
    for one in uploads:
        one.sendall(body[1000:])
    for one in uploads:
        answer = b"".join(iter(lambda one=one: one.recv(65536), b""))  # type: ignore[misc]
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'"age"' in answer
    stop(server)
    assert server.process.returncode == 0
    assert time.monotonic() - started < 25  # the time that bodies have, and some more
    for one in (*silent, *idle, *begun, *hanging):
        one.close()
    left = {path.name for path in set(Path(tempfile.gettempdir()).iterdir()) - before}
    assert not {name for name in left if "agelens" in name or "prom" in name}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_wrong_detector_is_a_sentence_and_a_failure(workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGELENS_YUNET", "/gone/yunet.onnx")
    with pytest.raises(AssertionError, match=re.escape("no YuNet model at /gone/yunet.onnx")):
        start("--workers", workers, "--detector", "yunet")
