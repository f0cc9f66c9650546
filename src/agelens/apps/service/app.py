"""The application: what each address does."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from agelens.apps.service import observing, problems, schema
from agelens.apps.service.batching import Batcher, OverloadedError
from agelens.apps.service.problems import RefusedError
from agelens.apps.service.settings import Settings, api_keys
from agelens.apps.service.uploads import read_uploads
from agelens.inference.answers import Answer
from agelens.inference.options import LEVEL
from agelens.inference.predictor import Predictor
from agelens.models.catalogue import resolve
from agelens.version import __version__

DESCRIPTION = """Age and gender from faces, with how sure they are.

Gender is the training data's binary label, not a person's identity. Do not decide about people with it.
Pictures are held in memory for the time of the request; none is written to disk or log, and no address is
fetched."""


def create(settings: Settings | None = None) -> FastAPI:
    """Build the application; it loads the model when it starts."""
    settings = settings or Settings.from_environment()
    keys = api_keys()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The network takes one thread: the batcher calls it from several.
        predictor = Predictor(
            resolve(settings.model),
            settings.detector,
            threads=1,
            runtime=settings.runtime,
            max_pixels=settings.max_pixels,
            max_faces=settings.max_faces,
        )
        batcher = Batcher(
            predictor,
            capacity=settings.queue,
            batch=settings.batch,
            window=settings.window,
            threads=settings.threads,
            on_batch=observing.BATCH.observe,
        )
        observing.PENDING.set(0)
        batcher.start()
        app.state.batcher, app.state.spec = batcher, predictor.bundle.spec
        yield
        await batcher.stop()

    app = FastAPI(
        title="AgeLens",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        license_info={"name": "MIT (the code); the model's own licence is at /v1/model"},
    )
    problems.install(app)
    app.add_middleware(observing.Observed)

    def authorise(request: Request) -> None:
        if keys and not _shows_a_key(request, keys):
            raise RefusedError(401, "show a key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})

    guarded = [Depends(authorise)]

    @app.post(
        "/v1/predict",
        dependencies=guarded,
        response_model=list[schema.ImageAnswer],
        response_model_exclude_unset=True,
        responses=problems.describe(400, 401, 408, 413, 415, 422, 503, 504),
        openapi_extra={"requestBody": schema.REQUEST_BODY},
        summary="Read every face of one or many images",
    )
    async def predict(
        request: Request,
        level: Annotated[float, Query(ge=0.5, le=0.99, description="Of the age intervals.")] = LEVEL,
        at_least: Annotated[
            int | None, Query(ge=0, le=100, description="Also how probable it is to be so old or older.")
        ] = None,
        min_quality: Annotated[
            float, Query(ge=0, le=1, description="Refuse faces of less quality; each refusal is said.")
        ] = 0.0,
    ) -> JSONResponse:
        answers = await _answer(request, settings, level)
        return JSONResponse([answer.to_dict(at_least, min_quality) for answer in answers])

    @app.get(
        "/v1/model", dependencies=guarded, summary="The model, its licence and what it was measured to be"
    )
    async def model(request: Request) -> dict[str, Any]:
        spec = request.app.state.spec
        return {"name": spec.name, "licence": spec.licence, "metrics": spec.metrics, "agelens": __version__}

    @app.get("/healthz", summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether it would take a request now", responses=problems.describe(503))
    async def readyz(request: Request) -> dict[str, str]:
        try:
            with request.app.state.batcher.room():
                return {"status": "ready"}
        except OverloadedError as error:
            raise _overloaded(error) from None

    @app.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(observing.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


async def _answer(request: Request, settings: Settings, level: float) -> list[Answer]:
    batcher: Batcher = request.app.state.batcher
    try:
        with batcher.room() as take:
            observing.PENDING.set(batcher.pending)
            uploads = await read_uploads(request, settings)
            take(len(uploads) - 1)
            request.state.images = len(uploads)
            async with asyncio.timeout(settings.deadline_seconds):
                answers = await batcher.answer([upload.content for upload in uploads], level)
    except OverloadedError as error:
        raise _overloaded(error) from None
    except TimeoutError:
        raise RefusedError(504, f"the answer took longer than {settings.deadline_seconds:g} s") from None
    finally:
        observing.PENDING.set(batcher.pending)
    named = [
        replace(
            answer,
            image=upload.name or answer.image,
            error=answer.error and answer.error.removeprefix("the image: "),
        )
        for upload, answer in zip(uploads, answers, strict=True)
    ]
    for answer in named:
        observing.IMAGES.labels("unreadable" if answer.error else "read").inc()
        observing.FACES.inc(len(answer.faces))
    if all(answer.error for answer in named):
        raise RefusedError(422, "; ".join(f"{answer.image}: {answer.error}" for answer in named))
    return named


def _overloaded(error: OverloadedError) -> RefusedError:
    detail = f"too many images are waiting; try again in {error.retry_after} s"
    return RefusedError(503, detail, {"Retry-After": str(error.retry_after)})


def _shows_a_key(request: Request, keys: Sequence[str]) -> bool:
    """Whether the request shows one of the keys, in a time that does not tell how much of it was right."""
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    shown = shown.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    matches = [hmac.compare_digest(shown.encode(), key.encode()) for key in keys]
    return any(matches)
