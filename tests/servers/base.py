"""A threaded HTTP server with faults to order: an error status, or a connection cut in the middle."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Fault:
    """What goes wrong with requests whose path holds ``path``, this many times."""

    path: str
    status: int = 0
    cut_after: int | None = None  # bytes of a file that are sent before the connection is cut
    retry_after: str | None = None
    times: int = 1


@dataclass
class State:
    """What every server keeps: the orders for faults, and who asked for what."""

    token: str = "right-token"
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, Range


class Handler(BaseHTTPRequestHandler):
    """Answers JSON and files; subclasses route."""

    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def begin(self) -> bool:
        """Note the request and answer an ordered fault; False where that was the whole answer."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.state.requests.append((self.command, self.path, self.headers.get("Range")))
        fault = self.fault()
        if fault is None or not fault.status:
            return True
        fault.times -= 1
        headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        self.send_json({"code": fault.status, "message": f"status {fault.status}"}, fault.status, headers)
        return False

    def fault(self) -> Fault | None:
        """The first fault ordered for this path."""
        return next((f for f in self.state.faults if f.times > 0 and f.path in self.path), None)

    def signed_in(self) -> bool:
        """Whether the right token was sent."""
        return self.headers.get("Authorization") == f"Bearer {self.state.token}"

    def send_json(self, content: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer JSON."""
        kind = {"Content-Type": "application/json"}
        self.send_bytes(json.dumps(content).encode(), status, kind | (headers or {}))

    def send_bytes(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer bytes, whole."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_file(self, data: bytes, headers: dict[str, str]) -> None:
        """Answer a file, or the part that a Range asks for; cut where a fault is ordered."""
        start = 0
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        part = data[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Type", "application/octet-stream; charset=latin-1")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        fault = self.fault()
        if fault is not None and fault.cut_after is not None and self.command != "HEAD":
            fault.times -= 1
            self.wfile.write(part[: fault.cut_after])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(part)


def _bind(handler: type[Handler], port: int) -> ThreadingHTTPServer:
    """Listen; on a port of a client's choosing, wait for another test run on this machine to leave it."""
    for left in range(120, -1, -1):
        try:
            return ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError:
            if port == 0 or left == 0:
                raise
            time.sleep(0.5)
    raise AssertionError("the last attempt returns or raises")


class Server:
    """Runs a handler in a thread while the ``with`` block lasts."""

    def __init__(self, handler: type[Handler], state: State, port: int = 0) -> None:
        bound = type("Bound", (handler,), {"state": state})
        self.state = state
        self._server = _bind(bound, port)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
