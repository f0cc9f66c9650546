from __future__ import annotations

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from agelens.apps.service.problems import MEDIA_TYPE, RefusedError, describe, install


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install(app)

    @app.get("/refused")
    def refused() -> None:
        raise RefusedError(503, "come back", {"Retry-After": "7"})

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a secret of the inside")

    @app.get("/gone")
    def gone() -> None:
        raise HTTPException(410, "it was here")

    @app.get("/number")
    def number(value: int) -> int:
        return value

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "title", "detail"),
    [
        ("/refused", 503, "Service Unavailable", "come back"),
        ("/gone", 410, "Gone", "it was here"),
        ("/nowhere", 404, "Not Found", "there is nothing at this address"),
        ("/number?value=x", 422, None, "query.value: Input should be a valid integer"),
        ("/broken", 500, "Internal Server Error", "the service failed on this request; its log says how"),
    ],
)
def test_every_error_is_a_problem(
    client: TestClient, path: str, status: int, title: str | None, detail: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert title is None or problem["title"] == title
    assert problem["detail"].startswith(detail)


def test_a_refusals_headers_are_sent(client: TestClient) -> None:
    assert client.get("/refused").headers["retry-after"] == "7"


def test_refusals_are_described_by_their_schema() -> None:
    entry = describe(503)[503]
    assert entry["description"] == "Service Unavailable"
    assert set(entry["content"]) == {MEDIA_TYPE}  # type: ignore[call-overload]
