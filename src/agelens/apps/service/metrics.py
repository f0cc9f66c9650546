"""What the service tells of itself: Prometheus metrics, and a JSON line for each request, without faces."""

from __future__ import annotations

import json
import logging
import os
import time

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("agelens.service")

_KNOWN = frozenset(
    {"/", "/v1/predict", "/v1/model", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}
)

REQUESTS = Counter("agelens_requests", "Requests answered.", ["path", "status"])
SECONDS = Histogram(
    "agelens_request_seconds",
    "From the request's first byte to the answer's last.",
    ["path"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
IMAGES = Counter("agelens_images", "Images read, by what became of them.", ["outcome"])
FACES = Counter("agelens_faces", "Faces answered.")
BATCH = Histogram(
    "agelens_batch_images", "Images that went through the network together.", buckets=(1, 2, 4, 8, 16, 32)
)
PENDING = Gauge(
    "agelens_pending_images", "Images accepted and not yet answered.", multiprocess_mode="livesum"
)


def exposition() -> bytes:
    """The metrics of all worker processes in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # set by ``agelens serve --workers``
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(REGISTRY)


class RequestMetrics:
    """ASGI middleware that counts, times and logs each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and watch its answer's status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - started
            path = scope["path"] if scope["path"] in _KNOWN else "other"
            REQUESTS.labels(path, str(status)).inc()
            SECONDS.labels(path).observe(seconds)
            if path not in ("/healthz", "/readyz", "/metrics"):
                entry = {
                    "time": round(time.time(), 3),
                    "method": scope["method"],
                    "path": path,
                    "status": status,
                    "ms": round(1000 * seconds, 1),
                    "images": scope.get("state", {}).get("images"),
                    "pid": os.getpid(),
                }
                log.info(json.dumps(entry))
