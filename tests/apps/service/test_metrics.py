from __future__ import annotations

import asyncio
import json
import logging

import pytest
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from agelens.apps.service.metrics import RequestMetrics, exposition


def ask(path: str, status: int | None = 200) -> None:
    """One request through the middleware; the application below fails where there is no status."""

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        if status is None:
            raise RuntimeError("it broke")
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def nowhere(message: Message) -> None:
        pass

    async def nothing() -> Message:
        return {}

    scope = {"type": "http", "method": "GET", "path": path, "state": {"images": 3}}
    asyncio.run(RequestMetrics(below)(scope, nothing, nowhere))


def count(path: str, status: int) -> float:
    labels = {"path": path, "status": str(status)}
    return REGISTRY.get_sample_value("agelens_requests_total", labels) or 0.0


def test_requests_are_counted_by_path_and_status() -> None:
    before = count("/v1/predict", 418)
    ask("/v1/predict", 418)
    assert count("/v1/predict", 418) == before + 1
    assert b'agelens_requests_total{path="/v1/predict",status="418"}' in exposition()


def test_paths_that_clients_make_up_are_one_label() -> None:
    before = count("other", 404)
    for number in range(3):
        ask(f"/made/up/{number}", 404)
    assert count("other", 404) == before + 3
    assert b"/made/up" not in exposition()


def test_a_failure_is_counted_as_500_and_passed_on() -> None:
    before = count("/v1/model", 500)
    with pytest.raises(RuntimeError, match="it broke"):
        ask("/v1/model", None)
    assert count("/v1/model", 500) == before + 1


def test_each_request_is_a_json_line_but_the_probes_are_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "agelens.service"):
        for path in ("/v1/predict", "/healthz", "/readyz", "/metrics"):
            ask(path)
    (line,) = caplog.messages
    entry = json.loads(line)
    assert (entry["path"], entry["status"], entry["images"]) == ("/v1/predict", 200, 3)
