"""A worker's memory with the worst pictures that its limits allow, several at once."""

from __future__ import annotations

import io
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from agelens.apps.service.memory import give_back_what_is_freed
from servers.service import start, stop

MB = 10**6
MOST = 400 * MB

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="memory is said by /proc, and glibc's",
)


def picture(mode: str, side: int) -> Image.Image:
    """Smooth, with a strip of noise that no coding makes small."""
    coarse = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BILINEAR)
    image.paste(Image.effect_noise((side, side // 12), 90), (0, 0))
    if mode in ("RGBA", "LA"):
        image.putalpha(image.convert("L"))
    return image.convert(mode)


def encoded(mode: str, side: int, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture(mode, side).save(buffer, format, **options)
    return buffer.getvalue()


def deep_png(side: int) -> bytes:
    pixels = np.asarray(picture("RGB", side)).astype(np.uint16) * 257
    return cv2.imencode(".png", pixels[: side // 3], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def tiff_in_one_strip(side: int) -> bytes:
    return encoded("L", side, "TIFF", compression="tiff_deflate", strip_size=2**30)


def flat() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6000, 6000), "grey").save(buffer, "PNG", **FAST)
    return buffer.getvalue()


FAST: dict[str, Any] = {"compress_level": 1}

#: Each takes as many of the 144 MB that a picture may take as its coding can bring into 20 MiB.
WORST: dict[str, Callable[[], bytes]] = {
    "RGB PNG": lambda: encoded("RGB", 4400, "PNG", **FAST),
    "a flat PNG": flat,
    "LA PNG": lambda: encoded("LA", 4400, "PNG", **FAST),
    "palette PNG": lambda: encoded("P", 6000, "PNG", transparency=0, **FAST),
    "16-bit PNG": lambda: deep_png(5400),
    "progressive JPEG": lambda: encoded("RGB", 6000, "JPEG", progressive=True, quality=80),
    "progressive JPEG, 4:4:4": lambda: encoded("RGB", 4500, "JPEG", progressive=True, subsampling=0),
    "CMYK JPEG": lambda: encoded("CMYK", 6000, "JPEG", quality=70),
    "WebP": lambda: encoded("RGBA", 4200, "WEBP", method=0),
    "AVIF": lambda: encoded("RGB", 3300, "AVIF", speed=10),
    "TIFF": lambda: tiff_in_one_strip(5300),
}


@pytest.fixture(scope="module")
def bodies(astronaut: Path) -> dict[str, bytes]:
    made = {name: make() for name, make in WORST.items()} | {"a portrait": astronaut.read_bytes()}
    assert all(len(body) < 20 * 2**20 for body in made.values())
    return made


@pytest.mark.slow
@pytest.mark.parametrize("detector", ["yunet", "haar"])
def test_a_worker_stays_under_400_mb_whatever_its_limits_let_in(
    detector: str, yunet: Path, bodies: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    server = start("--detector", detector, "--deadline-seconds", "60")

    def ask(name: str) -> tuple[str, int, str]:
        """Again until it is let in."""
        for _ in range(200):
            answer = httpx.post(
                f"{server.url}/v1/predict",
                content=bodies[name],
                headers={"content-type": "image/*"},
                timeout=120,
            )
            if answer.status_code != 503:
                break
            time.sleep(0.5)
        return name, answer.status_code, answer.text[:200]

    try:
        order = 2 * list(bodies)
        random.Random(0).shuffle(order)
        with ThreadPoolExecutor(6) as pool:
            for name, status, text in pool.map(ask, order):
                assert status == 200, (name, text)
        assert server.peak < MOST
        assert server.memory < 0.7 * MOST  # most of it has gone back
    finally:
        stop(server)


def test_memory_that_is_freed_goes_back() -> None:
    """In a process of its own, since it is set for the life of one."""
    code = """
import threading
from agelens.apps.service.memory import give_back_what_is_freed

def memory():
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmRSS"))

give_back_what_is_freed()
before = memory()

def work():
    kept = []
    for number in range(40):
        large = bytearray(b"1") * 3_000_000
        kept.append(bytearray(1000))
        del large

for _ in range(3):
    threads = [threading.Thread(target=work) for _ in range(8)]
    [one.start() for one in threads]
    [one.join() for one in threads]
print(memory() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 3 * MB


def test_it_may_be_asked_twice() -> None:
    give_back_what_is_freed()
    give_back_what_is_freed()
