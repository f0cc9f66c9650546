"""A request's images, in memory: one raw body, or the files of a multipart form, within the limits."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from agelens.apps.service.batching import OverloadedError
from agelens.apps.service.problems import RefusedError
from agelens.apps.service.settings import Settings
from agelens.inference.sources import ImageRef

#: Characters. A longer file name is cut.
_NAME = 255

#: Form fields that are not files are ignored; a form with more of them than this is refused.
_FIELDS = 8

#: What an image without a file's name is called.
_UNNAMED = "(in memory)"


class Bodies:
    """The bytes of all requests' bodies that are held at once, under a bound."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0

    @contextmanager
    def held(self) -> Iterator[Callable[[int], None]]:
        """Give a function that takes how many bytes have come; all are let go at the end.

        Raises:
            OverloadedError: too many are held.
        """
        mine = 0

        def receive(size: int) -> None:
            nonlocal mine
            if self._held + size > self._most:
                raise OverloadedError(1)
            mine += size
            self._held += size

        try:
            yield receive
        finally:
            self._held -= mine


async def receive_images(
    request: Request, settings: Settings, receive: Callable[[int], None]
) -> list[ImageRef]:
    """The images of a request: their bytes, under the names of their files; ``receive`` is told of each part.

    Raises:
        OverloadedError: ``receive`` has no room.
        RefusedError: 400 a broken or empty form; 408 too slow; 413 too large; 415 neither image nor form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > settings.max_bytes:
        raise _too_large(settings)
    try:
        async with asyncio.timeout(settings.upload_seconds):
            if kind == "multipart/form-data":
                return await _form(request, settings, receive)
            if kind.startswith("image/") or kind == "application/octet-stream":
                body = io.BytesIO()  # gives its bytes without copying them
                async for chunk in _limited(request, settings, receive):
                    body.write(chunk)
                if not body.tell():
                    raise RefusedError(400, "the body is empty; send an image's bytes")
                return [ImageRef(_UNNAMED, body.getvalue())]
    except TimeoutError:
        sentence = f"the body did not arrive within {settings.upload_seconds:g} s"
        raise RefusedError(408, sentence, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise RefusedError(400, "the body ended early") from None
    raise RefusedError(
        415, "send images as multipart/form-data, or one as image/… or application/octet-stream"
    )


async def _form(request: Request, settings: Settings, receive: Callable[[int], None]) -> list[ImageRef]:
    body = _limited(request, settings, receive)
    parser = MultiPartParser(request.headers, body, max_files=settings.max_images, max_fields=_FIELDS)
    parser.spool_max_size = settings.max_bytes + 1  # above the body's limit: no file is spooled to disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusedError(400, f"the form cannot be read: {error.message}") from None
    except (UnicodeDecodeError, KeyError, ValueError):
        raise RefusedError(400, "the form cannot be read: its headers or boundary are broken") from None
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not files:
            raise RefusedError(400, "the form holds no file; send each image as a part with a filename")
        images = []
        for file in files:
            images.append(ImageRef((file.filename or _UNNAMED)[:_NAME], await file.read()))
            await file.close()  # else all would be held twice
        return images
    finally:
        await form.close()


async def _limited(
    request: Request, settings: Settings, receive: Callable[[int], None]
) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > settings.max_bytes:
            raise _too_large(settings)
        receive(len(chunk))
        yield chunk


def _too_large(settings: Settings) -> RefusedError:
    sentence = f"the body is over {settings.max_bytes / 2**20:g} MiB; send fewer or smaller images"
    return RefusedError(413, sentence, {"Connection": "close"})
