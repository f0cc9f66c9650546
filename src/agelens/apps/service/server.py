"""uvicorn with what an open port needs: limits on headers and silence, every refusal a problem, a clean end.

uvicorn by itself waits for ever for a request's headers, counts silent connections as load, takes headers of
any size through httptools, words its own refusals as plain text, and leaves by the signal that ended it. Its
h11 protocol and its supervisor are small and made to be subclassed, so that is what stands here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
from http import HTTPStatus
from typing import Any, ClassVar

import h11
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import Multiprocess

from agelens.apps.service.metrics import REQUESTS
from agelens.apps.service.problems import MEDIA_TYPE, problem
from agelens.apps.service.settings import Settings
from agelens.errors import OutputError

#: Seconds within which a connection must have sent a request's headers.
HEADER_SECONDS = 5.0

#: Bytes of a request's line and headers.
HEADER_BYTES = 16 * 1024

#: Seconds that a connection without a request is still waited for once the service ends.
FAREWELL_SECONDS = 0.5

# uvicorn would log a line for every connection that speaks no HTTP; those are counted, as all refusals are.
logging.getLogger("uvicorn.error").addFilter(lambda record: record.msg != "Invalid HTTP request received.")


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 whose headers are bounded in time and size; a full house drops who has been silent longest."""

    #: Connections of this process whose headers are not complete, the oldest first.
    waiting: ClassVar[dict[GuardedProtocol, asyncio.TimerHandle]] = {}
    most_connections: ClassVar[int] = 1000
    _ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most_connections:
            next(iter(self.waiting))._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; where they begin another request, its headers have their time too."""
        # Also where they come in one piece, which h11 takes at any size.
        if self.conn.their_state is h11.IDLE and self._head_size(data) > HEADER_BYTES:
            self._refuse(431, f"the headers are over {HEADER_BYTES // 1024} KiB")
            return
        super().data_received(data)
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            self._wait_no_longer()
        elif self not in self.waiting:
            self._wait()
        if self._ending and self.cycle is not None:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """End after the request under way, or one that is just arriving."""
        self._ending = True
        if self in self.waiting:
            self._wait_no_longer()
            self.waiting[self] = self.loop.call_later(FAREWELL_SECONDS, self._drop)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP as every refusal is worded."""
        self._refuse(400, "this is no HTTP/1.1 request")

    def _head_size(self, data: bytes) -> int:
        return len((self.conn.trailing_data[0] + data).partition(b"\r\n\r\n")[0])

    def _wait(self) -> None:
        self.waiting[self] = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _wait_no_longer(self) -> None:
        if timer := self.waiting.pop(self, None):
            timer.cancel()

    def _give_up(self) -> None:
        if self.conn.trailing_data[0]:  # some have come
            self._refuse(408, f"the headers did not arrive within {HEADER_SECONDS:g} s")
        else:
            self._drop()

    def _drop(self) -> None:
        self._wait_no_longer()
        self.transport.close()

    def _refuse(self, status: int, detail: str) -> None:
        self._wait_no_longer()
        if self.transport.is_closing() or self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = json.dumps(problem(status, detail)).encode()
        headers = [
            ("content-type", MEDIA_TYPE),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        reason = HTTPStatus(status).phrase
        for event in (
            h11.Response(status_code=status, headers=headers, reason=reason),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        REQUESTS.labels("other", str(status)).inc()
        self.transport.close()


class Supervisor(Multiprocess):
    """Ends by closing the address first, so that nobody is taken in who cannot be answered."""

    def terminate_all(self) -> None:
        """Close the listening sockets, then tell the workers."""
        for socket in self.sockets:
            socket.close()
        super().terminate_all()


def serve(settings: Settings, application: str, log_config: dict[str, Any]) -> int:
    """Serve until SIGTERM or SIGINT; what was accepted is answered. Gives the exit code.

    Raises:
        OutputError: several workers need a temporary folder, and there is none.
        SystemExit: the address cannot be listened on, or the application does not start.
    """
    GuardedProtocol.most_connections = _raise_descriptors() - 100  # the rest is no client's
    config = uvicorn.Config(
        application,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=GuardedProtocol,
        ws="none",
        h11_max_incomplete_event_size=HEADER_BYTES,
        access_log=False,
        log_config=log_config,
        server_header=False,
        timeout_graceful_shutdown=30,
        timeout_keep_alive=30,
    )
    # uvicorn raises the signal again once it has ended; that shall be no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if settings.workers == 1:
        server = uvicorn.Server(config)
        server.run()
        return 0 if server.started else STARTUP_FAILURE
    with _folder_of_metrics() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # where the processes keep their metrics together
        supervisor = Supervisor(config, [config.bind_socket()])
        supervisor.run()
        failed = any(one.exitcode == STARTUP_FAILURE for one in supervisor.processes)
        return STARTUP_FAILURE if failed else 0


def _folder_of_metrics() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="agelens-metrics-")
    except OSError:
        raise OutputError(
            "several workers count together in a temporary folder, and none can be written: "
            "let TMPDIR name one, or use --workers 1, which needs none"
        ) from None


def _raise_descriptors() -> int:
    """Allow this process as many open files as it may have; how many those are."""
    if sys.platform == "win32":  # has no such limit
        return 8192
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = min(most, 65536) if most != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return allowed
