"""``agelens serve``: the predictor over HTTP."""

from __future__ import annotations

import logging
import os
import tempfile
from typing import Annotated, Literal

import typer

from agelens.cli.console import ModelOption, tell


def serve(
    model: ModelOption = "embedded",
    detector: Annotated[
        Literal["auto", "yunet", "haar", "whole"], typer.Option(help="How faces are found.")
    ] = "auto",
    runtime: Annotated[
        Literal["onnxruntime", "openvino"], typer.Option(help="What computes the network.")
    ] = "onnxruntime",
    host: Annotated[str, typer.Option(help="0.0.0.0 opens it to other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="That read images, in each process.")] = 2,
    queue: Annotated[
        int, typer.Option(min=1, help="Images accepted and not yet answered; more get 503 at once.")
    ] = 64,
    batch: Annotated[int, typer.Option(min=1, help="Images read at once.")] = 8,
    window_ms: Annotated[float, typer.Option(min=0, help="A found face may wait for company.")] = 4.0,
    max_mb: Annotated[float, typer.Option(min=0.01, help="Of a request, MiB.")] = 20.0,
    max_megapixels: Annotated[float, typer.Option(min=0.01, help="Of an image.")] = 36.0,
    max_images: Annotated[int, typer.Option(min=1, help="In a request.")] = 32,
    max_faces: Annotated[int, typer.Option(min=1, help="In an image.")] = 100,
    upload_seconds: Annotated[float, typer.Option(min=0.01, help="For a request's body to arrive.")] = 10.0,
    deadline: Annotated[float, typer.Option(min=0.01, help="Seconds for an answer.")] = 10.0,
) -> None:
    """Serve POST /v1/predict; /docs describes it, /metrics measures it.

    AGELENS_API_KEYS, separated by commas, are the keys that clients must show as 'Authorization: Bearer KEY'.
    SIGTERM answers what was accepted, then ends.
    """
    from agelens.errors import require

    require("fastapi", "serve")
    uvicorn = require("uvicorn", "serve")
    from agelens.apps.service.settings import Settings, api_keys
    from agelens.models.catalogue import resolve

    if runtime == "openvino":
        require("openvino", "openvino")
    resolve(model)  # an unknown model is a sentence now, not a traceback in a worker
    Settings(
        model=model,
        detector=detector,
        runtime=runtime,
        max_bytes=int(max_mb * 2**20),
        max_pixels=int(max_megapixels * 1e6),
        max_images=max_images,
        max_faces=max_faces,
        queue=queue,
        batch=batch,
        window=window_ms / 1000,
        threads=threads,
        upload_seconds=upload_seconds,
        deadline_seconds=deadline,
    ).to_environment()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    if not api_keys() and host not in ("127.0.0.1", "localhost", "::1"):
        tell("agelens: open to other machines without keys; AGELENS_API_KEYS sets them")
    with tempfile.TemporaryDirectory(prefix="agelens-metrics-") as folder:
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run(
            "agelens.apps.service.app:create",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            log_config=_LOGGING,
            server_header=False,
            timeout_graceful_shutdown=30,
            timeout_keep_alive=30,
            limit_concurrency=1000,
        )


#: Requests as bare JSON lines on stdout; uvicorn's own words on stderr.
_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"bare": {"format": "%(message)s"}, "named": {"format": "agelens: %(message)s"}},
    "handlers": {
        "requests": {"class": "logging.StreamHandler", "formatter": "bare", "stream": "ext://sys.stdout"},
        "server": {"class": "logging.StreamHandler", "formatter": "named", "stream": "ext://sys.stderr"},
    },
    "loggers": {
        "agelens.service": {"handlers": ["requests"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["server"], "level": "INFO", "propagate": False},
    },
}
