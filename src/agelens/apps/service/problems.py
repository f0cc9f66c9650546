"""Every refusal as RFC 9457 problem details: a status, a title, a sentence on what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"

SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Unprocessable Entity"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string", "examples": ["face.jpg: is not an image in a known format"]},
    },
}


class RefusedError(Exception):
    """A request that is not answered: its HTTP status, a sentence to the client, and further headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem(status: int, detail: str) -> dict[str, str | int]:
    """The problem's content."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def response_of(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem as a response."""
    return JSONResponse(problem(status, detail), status, headers, media_type=MEDIA_TYPE)


def describe(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The OpenAPI entries of the refusals an operation may answer."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    @app.exception_handler(RefusedError)
    def _(request: Request, error: RefusedError) -> JSONResponse:
        return response_of(error.status, error.detail, error.headers)

    @app.exception_handler(HTTPException)
    def _(request: Request, error: HTTPException) -> JSONResponse:
        detail = {404: "there is nothing at this address", 405: "this address has other methods"}
        return response_of(error.status_code, detail.get(error.status_code, str(error.detail)), error.headers)

    @app.exception_handler(RequestValidationError)
    def _(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        return response_of(422, "; ".join(faults))

    @app.exception_handler(Exception)
    def _(request: Request, error: Exception) -> JSONResponse:
        return response_of(500, "the service failed on this request; its log says how")
