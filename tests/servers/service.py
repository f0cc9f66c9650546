"""A real server in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import httpx


@dataclass
class Server:
    """``agelens serve``, running."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory(self) -> int:
        """Bytes of resident memory."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    @property
    def peak(self) -> int:
        """The most resident memory so far, bytes."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start(*options: str, keys: str = "") -> Server:
    port = free_port()
    command = [sys.executable, "-m", "agelens", "serve", "--port", str(port), "--detector", "haar", *options]
    environment = {**os.environ, "AGELENS_API_KEYS": keys}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    server = Server(process, port)
    for _ in range(300):
        if process.poll() is not None:
            raise AssertionError(process.stdout.read() if process.stdout else "")
        try:
            if httpx.get(f"{server.url}/readyz").status_code == 200:
                return server
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up in 30 seconds")


def stop(server: Server) -> str:
    """End it as an orchestrator would; what it printed."""
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
    return server.process.communicate(timeout=40)[0]
