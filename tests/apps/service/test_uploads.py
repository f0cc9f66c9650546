from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from agelens.apps.service.batching import OverloadedError
from agelens.apps.service.problems import RefusedError
from agelens.apps.service.settings import Settings
from agelens.apps.service.uploads import Bodies, receive_images
from agelens.inference.sources import ImageRef


def receive(
    kind: str, *chunks: bytes, settings: Settings = Settings(), held: int = 10**9, **headers: str
) -> list[ImageRef]:
    """The images of a request whose body arrives in chunks."""
    left = list(chunks)

    async def body() -> dict[str, object]:
        if not left:
            return {"type": "http.disconnect"}
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    named = {"content-type": kind, **headers}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, body)
    with Bodies(held).held() as receive_bytes:
        return asyncio.run(receive_images(request, settings, receive_bytes))


def form(*parts: tuple[str, bytes]) -> bytes:
    body = b""
    for name, content in parts:
        body += b'--b\r\nContent-Disposition: form-data; name="images"; filename="' + name.encode()
        body += b'"\r\n\r\n' + content + b"\r\n"
    return body + b"--b--\r\n"


FORM = "multipart/form-data; boundary=b"


def test_a_body_is_one_image_without_a_name() -> None:
    assert receive("image/jpeg", b"ab", b"cd") == [ImageRef("(in memory)", b"abcd")]


def test_files_keep_their_names_and_order() -> None:
    images = receive(FORM, form(("b.jpg", b"2"), ("a.jpg", b"1")))
    assert images == [ImageRef("b.jpg", b"2"), ImageRef("a.jpg", b"1")]


def test_a_long_name_is_cut() -> None:
    assert receive(FORM, form(("a" * 1000, b"1")))[0].name == "a" * 255


@pytest.mark.parametrize(
    ("kind", "chunks", "status"),
    [
        ("text/plain", [b"x"], 415),
        ("image/png", [b""], 400),
        ("image/png", [], 400),
        (FORM, [b"--b--\r\n"], 400),
        ("multipart/form-data", [b"x"], 400),
        (FORM, [form(*[("a", b"1")] * 3)], 400),
        ("image/png", [b"x" * 6000, b"x" * 6000], 413),
        (FORM, [form(("a", b"x" * 12_000))], 413),
    ],
)
def test_what_is_over_a_limit_or_broken_is_refused(kind: str, chunks: list[bytes], status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        receive(kind, *chunks, settings=Settings(max_mb=0.01, max_images=2))
    assert refused.value.status == status


def test_a_length_over_the_limit_is_refused_before_the_body() -> None:
    with pytest.raises(RefusedError) as refused:
        receive("image/png", settings=Settings(max_mb=0.5), **{"content-length": str(2**20)})
    assert refused.value.status == 413
    assert "0.5 MiB" in refused.value.detail


def test_bodies_share_a_bound_and_give_their_room_back() -> None:
    bodies = Bodies(10)
    with bodies.held() as one, bodies.held() as other:
        one(6)
        other(4)
        with pytest.raises(OverloadedError):
            one(1)
    with bodies.held() as again:
        again(10)


def test_a_body_for_which_there_is_no_memory_is_refused() -> None:
    with pytest.raises(OverloadedError):
        receive("image/png", b"abc", b"def", held=5)
