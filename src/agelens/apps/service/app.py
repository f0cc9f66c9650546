"""The application: what each address of the service answers."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from agelens.apps.service import metrics, pages, problems, schema
from agelens.apps.service.batching import Batcher
from agelens.apps.service.memory import give_back_what_is_freed
from agelens.apps.service.problems import RefusedError
from agelens.apps.service.settings import Settings, from_environment
from agelens.apps.service.uploads import Bodies, receive_images
from agelens.faces.memory import BYTES_A_PIXEL, Budget
from agelens.inference.answers import Answer
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import load
from agelens.version import __version__

DESCRIPTION = """Age and gender from faces, with how sure they are.

Gender is the training data's binary label, not a person's identity. Do not decide about people with it.
Pictures are held in memory for the time of the request; none is written to disk or log, and no address is
fetched."""

#: Bytes that a thread's detector takes at most; pictures may take as many together, or as the largest may.
_DETECTION = 75_000_000

#: Largest bodies that may be held at once: what slow or large uploads can cost in memory.
_BODIES = 2


def create() -> FastAPI:
    """Build the application from the environment's settings; it loads the model when it starts.

    Raises:
        AgeLensError: a variable of the environment is not a setting, or its value is none.
    """
    settings, keys = from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        most = int(settings.max_megapixels * 1e6)
        # The network takes one thread: the batcher calls it from several.
        predictor = load(
            settings.model,
            settings.detector,
            threads=1,
            runtime=settings.runtime,
            max_pixels=most,
            max_faces=settings.max_faces,
            budget=Budget(max(BYTES_A_PIXEL * most, settings.threads * _DETECTION)),
        )
        give_back_what_is_freed()
        batcher = Batcher(predictor, settings, metrics.BATCH.observe)
        metrics.PENDING.set(0)
        batcher.start()
        app.state.batcher, app.state.spec = batcher, predictor.bundle.spec
        app.state.bodies = Bodies(_BODIES * settings.max_bytes)
        yield
        await batcher.stop()

    app = FastAPI(
        title="AgeLens",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        license_info={"name": "MIT (the code); the model's own licence is at /v1/model"},
        docs_url=None,  # it would load its scripts from elsewhere; see ``pages``
        redoc_url=None,
    )
    problems.install(app)
    pages.install(app, settings, guarded=bool(keys))
    app.add_middleware(metrics.RequestMetrics)
    guarded = [Depends(_authorise(keys))] if keys else []

    @app.post(
        "/v1/predict",
        dependencies=guarded,
        response_model=list[schema.ImageAnswer],
        response_model_exclude_unset=True,
        responses=problems.describe(400, 401, 408, 413, 415, 422, 503, 504),
        openapi_extra={"requestBody": schema.REQUEST_BODY},
        summary="Answer every face of one or many images",
    )
    async def predict(request: Request, query: Annotated[schema.AnswerQuery, Query()]) -> JSONResponse:
        answers = await _answer(request, settings, AnswerOptions(**query.model_dump()))
        return JSONResponse([answer.to_dict() for answer in answers])

    @app.get("/v1/model", dependencies=guarded, summary="The model, its licence and its measured error")
    async def model(request: Request) -> dict[str, Any]:
        spec = request.app.state.spec
        return {"name": spec.name, "licence": spec.licence, "metrics": spec.metrics, "agelens": __version__}

    @app.get("/healthz", summary="Whether the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether it would take a request now", responses=problems.describe(503))
    async def readyz(request: Request) -> dict[str, str]:
        with request.app.state.batcher.room():
            return {"status": "ready"}

    @app.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def exposition() -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


async def _answer(request: Request, settings: Settings, options: AnswerOptions) -> list[Answer]:
    batcher: Batcher = request.app.state.batcher
    try:
        with batcher.room():
            pass  # where there is none, the body is not even received
        with request.app.state.bodies.held() as receive:
            images = await receive_images(request, settings, receive)
            request.state.images = len(images)
            with batcher.room(len(images)):
                metrics.PENDING.set(batcher.pending)
                async with asyncio.timeout(settings.deadline_seconds):
                    answers = await batcher.answer(images, options)
    except TimeoutError:
        raise RefusedError(504, f"the answer took longer than {settings.deadline_seconds:g} s") from None
    finally:
        metrics.PENDING.set(batcher.pending)
    for answer in answers:
        metrics.IMAGES.labels("unreadable" if answer.error else "read").inc()
        metrics.FACES.inc(len(answer.faces))
    if all(answer.error for answer in answers):
        raise RefusedError(422, "; ".join(str(answer.error) for answer in answers))
    return answers


def _authorise(keys: tuple[str, ...]) -> Callable[..., None]:
    """What refuses a request that shows none of the keys, as ``Authorization: Bearer`` or ``X-API-Key``."""

    def authorise(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
        header: Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))],
    ) -> None:
        shown = (bearer.credentials if bearer else header or "").encode()
        # All are compared, each in a time that does not tell how much of it was right.
        matches = [hmac.compare_digest(shown, key.encode()) for key in keys]
        if not any(matches):
            raise RefusedError(401, "show a key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})

    return authorise
