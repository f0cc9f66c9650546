"""Whatever is thrown at it, the service answers 4xx with a sentence, stays small, and stays up."""

from __future__ import annotations

import io
import socket
import struct
import zipfile
import zlib
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image

from servers.service import Server, start, stop

MIB = 2**20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = start("--max-mb", "8", "--queue", "64")
    yield running
    stop(running)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, height: int, data: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that says what it likes of itself."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return buffer.getvalue()


def bodies() -> dict[str, bytes]:
    """Bodies that are no image, or only pretend to be."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    jpeg, whole_png, gif, tiff, bmp, webp = (
        encoded(image, name) for name in ("JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP")
    )
    bomb = zlib.compress(bytes(40 * MIB), 9)
    huge = {
        "bomb 30000x30000": png(30000, 30000, bomb),
        "bomb 2^31-1 wide": png(2**31 - 1, 1, bomb),
        "bomb 0 wide": png(0, 100, bomb),
        "bomb 100000x1000": png(100_000, 1000, bomb),
        "bomb 16 bit": png(20000, 20000, bomb, depth=16),
        "bomb palette": png(20000, 20000, bomb, colour=3),
        "honest size, short data": png(2000, 2000, zlib.compress(b"\0" * 100)),
        "huge jpeg header": jpeg.replace(
            jpeg[jpeg.index(b"\xff\xc0") : jpeg.index(b"\xff\xc0") + 9],
            b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff",
        ),
        "huge bmp header": bmp[:18] + struct.pack("<ii", 2**30, 2**30) + bmp[26:],
        "negative bmp header": bmp[:18] + struct.pack("<ii", -5, -5) + bmp[26:],
        "gif of 65535x65535": gif[:6] + b"\xff\xff\xff\xff" + gif[10:],
    }
    cut = {
        f"{name} cut at {share}": data[: int(len(data) * share)]
        for name, data in (("jpeg", jpeg), ("png", whole_png), ("webp", webp), ("gif", gif), ("tiff", tiff))
        for share in (0.02, 0.3, 0.7)
    }
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1:1/x.png'/></svg>"
    other = {
        "empty zip": zipped("a", b""),
        "zip bomb": zipped("a.jpg", bytes(100 * MIB)),
        "image in a zip": zipped("a.jpg", jpeg),
        "svg that fetches": svg,
        "svg with entities": b"<!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><svg>&b;</svg>",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(/etc/passwd)(r) file\n",
        "html": b"<!doctype html><script>alert(1)</script>",
        "json": b'{"url": "http://127.0.0.1:1/x.png"}',
        "an address": b"http://169.254.169.254/latest/meta-data",
        "a path": b"/etc/passwd",
        "elf": b"\x7fELF\x02\x01\x01" + bytes(200),
        "gzip": b"\x1f\x8b\x08" + bytes(200),
        "mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(200),
        "jpeg magic alone": b"\xff\xd8\xff",
        "png magic alone": b"\x89PNG\r\n\x1a\n",
        "png without data": png(10, 10, b""),
        "polyglot zip behind jpeg magic": b"\xff\xd8\xff\xe0" + zipped("a", b"x"),
        "polyglot php gif": b"GIF89a<?php system($_GET['c']); ?>",
        "polyglot pdf after png magic": b"\x89PNG\r\n\x1a\n%PDF-1.7",
        "one zero byte": b"\0",
        "a megabyte of zeros": bytes(MIB),
        "a megabyte of noise": np.random.default_rng(1).bytes(MIB),
        "unicode": "😀".encode() * 1000,
        "webp with a lying length": webp[:4] + b"\xff\xff\xff\x7f" + webp[8:30],
        "tiff that points past its end": b"II*\0\xff\xff\xff\x7f",
        "tiff whose directory is itself": b"II*\0\x08\0\0\0" + b"\x01\0" + bytes(12) + b"\x08\0\0\0",
        "psd": b"8BPS\0\x01" + bytes(100),
        "ico": b"\0\0\1\0\1\0" + bytes(100),
        "ppm of 10^9": b"P6 100000 100000 255\n",
    }
    kinds = {"jpeg": jpeg, "png": whole_png, "webp": webp, "gif": gif, "tiff": tiff, "bmp": bmp}
    changed = {
        f"{name} whose byte {place} is another": data[:place]
        + bytes([data[place] ^ 0xFF])
        + data[place + 1 :]
        for name, data in kinds.items()
        for place in (0, 1)
    }
    return huge | cut | other | changed


def raw(server: Server, request: bytes, wait: float = 5.0) -> bytes:
    """What comes back for these very bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as one:
        one.sendall(request)
        answer = b""
        try:
            while chunk := one.recv(65536):
                answer += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def form(*parts: bytes, boundary: str = "b") -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary={boundary}\r\n"
    )
    return head.encode() + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


FILE = b'Content-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\nnonsense'


def query(text: bytes) -> bytes:
    return POST.replace(b"predict", b"predict?" + text) + b"Content-Length: 1\r\n\r\nx"


POST = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nConnection: close\r\n"

REQUESTS = {
    "1,000 parts": form(*[FILE] * 1000),
    "1,000 fields": form(*[b'Content-Disposition: form-data; name="x"\r\n\r\n1'] * 1000),
    "no boundary": form(FILE).replace(b"; boundary=b", b""),
    "another boundary": form(FILE, boundary="other"),
    "a boundary of 10,000 letters": form(FILE, boundary="b" * 10_000),
    "a part without a name": form(b"Content-Disposition: form-data\r\n\r\nx"),
    "a part without a head": form(b"\r\nx"),
    "a file name of 5,000 letters": form(FILE.replace(b"a.jpg", b"a" * 5000)),
    "a file name that climbs": form(FILE.replace(b"a.jpg", b"../../etc/passwd")),
    "a form cut short": form(FILE).replace(b"--b--", b"--b-x"),
    "a length of nonsense": POST + b"Content-Length: many\r\n\r\nx",
    "a negative length": POST + b"Content-Length: -1\r\n\r\nx",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    "a length of 10 GB": POST + b"Content-Length: 10000000000\r\n\r\nx",
    "a broken chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n0\r\n\r\n",
    "a header of 100 kB": POST + b"X-A: " + b"a" * 100_000 + b"\r\nContent-Length: 1\r\n\r\nx",
    "no protocol": b"hello\r\n\r\n",
    "another method": b"BREW /v1/predict HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HTTP of 1991": b"GET /\r\n\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "a header's name with a space": b"GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "a query of 100 kB": b"GET /healthz?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown encoding": POST + b"Transfer-Encoding: gzip\r\n\r\nx",
    "a level that is no number": POST.replace(b"predict", b"predict?level=nan")
    + b"Content-Length: 1\r\n\r\nx",
    "a level beyond floats": query(b"level=1e999"),
    "an age below 0": query(b"at_least=-1"),
    "a point that is none": query(b"point=mode"),
    "a path that climbs": b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
}


def test_bodies_that_are_no_image_get_a_sentence_and_cost_little(server: Server) -> None:
    url, corpus = f"{server.url}/v1/predict", bodies()
    assert len(corpus) + len(REQUESTS) >= 100
    httpx.post(url, content=b"warm", headers={"content-type": "image/png"})
    with httpx.Client(timeout=30) as client:
        for name, body in corpus.items():
            for attempt in (
                client.post(url, content=body, headers={"content-type": "image/jpeg"}),
                client.post(url, files={"images": (name, body)}),
            ):
                assert attempt.status_code in (400, 413, 422), (name, attempt.text)
                assert len(attempt.json()["detail"]) > 20, name
    assert server.peak < 400 * MIB


def test_requests_that_break_the_protocol_get_4xx(server: Server) -> None:
    for name, request in REQUESTS.items():
        answer = raw(server, request)
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
        assert 400 <= status < 500, (name, answer[:200])
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_a_slow_upload_is_cut_off_and_others_are_served_meanwhile() -> None:
    running = start("--upload-seconds", "1")
    try:
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as slow:
            slow.sendall(POST + b"Content-Length: 100000\r\n\r\n")
            slow.sendall(b"x")
            assert httpx.get(f"{running.url}/readyz").status_code == 200
            answer = b"".join(iter(lambda: slow.recv(65536), b""))  # until the server closes
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"did not arrive within 1 s" in answer
    finally:
        stop(running)


def test_large_honest_pictures_at_once_stay_within_memory(server: Server) -> None:
    """Eight pictures of 36 megapixels, four at a time."""
    import concurrent.futures

    body = encoded(Image.new("RGB", (6000, 6000), "grey"), "PNG")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(
                httpx.post, f"{server.url}/v1/predict", content=body,
                headers={"content-type": "image/png"}, timeout=60,
            )
            for _ in range(8)
        ]  # fmt: skip
        assert [one.result().status_code for one in sent] == [200] * 8
    assert server.peak < 400 * MIB
