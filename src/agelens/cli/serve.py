"""``agelens serve``: the predictor over HTTP."""

from __future__ import annotations

import logging
from dataclasses import replace

import typer

from agelens.apps.service.settings import Settings, from_environment
from agelens.cli.console import DetectorOption, ModelOption, RuntimeOption, tell
from agelens.cli.options import with_options
from agelens.errors import require


@with_options(Settings)
def serve(
    model: ModelOption = "embedded",
    detector: DetectorOption = "auto",
    runtime: RuntimeOption = "onnxruntime",
    options: Settings = Settings(),
) -> None:
    """Serve POST /v1/predict; /docs describes it and /metrics measures it.

    AGELENS_API_KEYS holds the keys, separated by commas, of which a client must show one as
    'Authorization: Bearer KEY' or 'X-API-Key: KEY'. SIGTERM answers what was accepted, then ends the service.
    """
    require("fastapi", "serve")
    require("pydantic_settings", "serve")
    require("uvicorn", "serve")
    from agelens.apps.service.server import serve as serve_forever
    from agelens.faces.detection import make_detector
    from agelens.models.catalogue import resolve

    if runtime == "openvino":
        require("openvino", "openvino")
    # What a worker could not load is a sentence now, not a traceback there.
    resolve(model)
    make_detector(detector)
    replace(options, model=model, detector=detector, runtime=runtime).to_environment()
    settings, keys = from_environment()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    if not keys and settings.host not in ("127.0.0.1", "localhost", "::1"):
        tell("agelens: the service is open to other machines without keys; AGELENS_API_KEYS sets them")
    raise typer.Exit(serve_forever(settings, "agelens.apps.service.app:create", _LOGGING))


#: Requests are bare JSON lines on stdout; uvicorn's own messages go to stderr.
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
