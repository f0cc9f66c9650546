"""What opening a picture takes, measured: a process of its own for each kind, and its peak."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from agelens.faces.decoding import opened
from agelens.faces.memory import BYTES_A_PIXEL, Budget, Unbounded

SIDE = 6000  # pixels: 36 megapixels
CONSTANT = 40 * 2**20  # the reduced picture, bands, the decoders' own code

#: A small picture of the format warms the libraries up; then the peak is what the large one adds.
MEASURE = """
import sys
from agelens.faces.images import open_image

def memory(what):
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(what))

open_image(sys.argv[1])
before = memory("VmRSS")
picture = open_image(sys.argv[2])
print(picture.width * picture.height, memory("VmHWM") - before)
"""


def grey(mode: str, side: int) -> Image.Image:
    if mode in ("RGBA", "LA"):
        image = Image.new(mode, (side, side), 200)
        image.putalpha(128)
        return image
    if mode == "I;16":
        return Image.fromarray(np.full((side, side), 40_000, np.uint16))
    deep: dict[str, Any] = {"F": 0.5, "I": 40_000}
    return Image.new(mode, (side, side), deep.get(mode, "grey"))


def pillow(mode: str, format: str, **options: Any) -> Callable[[Path, int], None]:
    return lambda path, side: grey(mode, side).save(path, format, **options)


def deep_png(path: Path, side: int) -> None:
    pixels = np.full((side, side, 3), 40_000, np.uint16)
    path.write_bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())


def animation(format: str) -> Callable[[Path, int], None]:
    def make(path: Path, side: int) -> None:
        frames = [grey("RGB", side), Image.new("RGB", (side, side), "red")]
        frames[0].save(path, format, save_all=True, append_images=frames[1:], method=0, quality=50)

    return make


def heic(path: Path, side: int) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    grey("RGB", side).save(path, "HEIF")


FAST: dict[str, Any] = {"compress_level": 1}

#: How each kind is made, and the bytes a pixel that it may take: six, but for decoders that hold more.
KINDS: dict[str, tuple[Callable[[Path, int], None], float]] = {
    "RGB PNG": (pillow("RGB", "PNG", **FAST), 6),
    "16-bit RGB PNG": (deep_png, 6),
    "16-bit grey PNG": (pillow("I;16", "PNG", **FAST), 6),
    "RGBA PNG": (pillow("RGBA", "PNG", **FAST), 6),
    "LA PNG": (pillow("LA", "PNG", **FAST), 6),
    "L PNG": (pillow("L", "PNG", **FAST), 6),
    "palette PNG with transparency": (pillow("P", "PNG", transparency=0, **FAST), 6),
    "animated PNG": (animation("PNG"), 6),
    "animated GIF": (animation("GIF"), 6),
    "JPEG": (pillow("RGB", "JPEG"), 6),
    "CMYK JPEG": (pillow("CMYK", "JPEG"), 6),
    "progressive JPEG": (pillow("RGB", "JPEG", progressive=True), 6),
    "progressive JPEG, 4:4:4": (pillow("RGB", "JPEG", progressive=True, subsampling=0), 7),
    "progressive CMYK JPEG": (pillow("CMYK", "JPEG", progressive=True), 9),
    "RGB TIFF": (pillow("RGB", "TIFF", compression="tiff_lzw"), 6),
    "CMYK TIFF": (pillow("CMYK", "TIFF", compression="tiff_lzw"), 6),
    "32-bit TIFF": (pillow("I", "TIFF", compression="tiff_lzw"), 6),
    "float TIFF": (pillow("F", "TIFF", compression="tiff_lzw"), 6),
    "16-bit TIFF": (pillow("I;16", "TIFF", compression="tiff_lzw"), 6),
    "TIFF in one strip": (pillow("RGB", "TIFF", compression="tiff_lzw", strip_size=2**30), 8),
    "BMP": (pillow("L", "BMP"), 6),
    "WebP": (pillow("RGB", "WEBP", method=0), 7),
    "lossless WebP": (pillow("RGB", "WEBP", lossless=True, quality=0, method=0), 8),
    "WebP with transparency": (pillow("RGBA", "WEBP", method=0), 8),
    "animated WebP": (animation("WEBP"), 7),
    "AVIF": (pillow("RGB", "AVIF", speed=10), 13),
    "AVIF, 4:4:4": (pillow("RGB", "AVIF", speed=10, subsampling="4:4:4"), 13),
    "AVIF with transparency": (pillow("RGBA", "AVIF", speed=10), 13),
    "HEIC": (heic, 6),
}
QUICK = ("16-bit grey PNG", "RGBA PNG", "CMYK JPEG")


def measured(kind: str, folder: Path) -> tuple[int, int]:
    """The picture's pixels, and the bytes at the peak."""
    make, _ = KINDS[kind]
    for name, side in (("small", 64), ("large", SIDE)):
        make(folder / name, side)
    command = [sys.executable, "-c", MEASURE, str(folder / "small"), str(folder / "large")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    pixels, peak = map(int, done.stdout.split())
    return pixels, peak


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in QUICK else pytest.mark.slow) for kind in KINDS]
)
def test_opening_a_picture_takes_six_bytes_a_pixel(kind: str, tmp_path: Path) -> None:
    pixels, peak = measured(kind, tmp_path)
    assert pixels == SIDE**2
    assert peak < KINDS[kind][1] * pixels + CONSTANT, f"{peak / pixels:.1f} bytes a pixel"
    with opened(tmp_path / "large", 2048) as encoded:
        assert peak < 1.05 * encoded.cost + CONSTANT, f"{peak / 1e6:.0f} MB, not {encoded.cost / 1e6:.0f}"


def header(mode: str = "RGB", side: int = 800, **options: Any) -> float:
    buffer = io.BytesIO()
    grey(mode, side).save(buffer, "JPEG", **options)
    with opened(buffer.getvalue(), None) as encoded:
        return encoded.cost / side**2


def test_the_header_of_a_jpeg_tells_what_it_takes() -> None:
    assert header() == BYTES_A_PIXEL
    assert header("L") == 1
    assert header(progressive=True, subsampling=2) == BYTES_A_PIXEL + 3
    assert header(progressive=True, subsampling=0) == BYTES_A_PIXEL + 6
    assert header("CMYK", progressive=True) == BYTES_A_PIXEL + 8


def test_a_sequential_jpeg_in_several_scans_is_reckoned_as_a_progressive_one() -> None:
    buffer = io.BytesIO()
    grey("RGB", 80).save(buffer, "JPEG", subsampling=0)
    data = bytearray(buffer.getvalue())
    scan = data.index(b"\xff\xda")
    one = data[:scan] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + data[scan + 14 :]  # the first has one component
    with opened(bytes(one), None) as encoded:
        assert encoded.cost / 80**2 == BYTES_A_PIXEL + 6


def test_a_budget_holds_up_who_comes_too_many() -> None:
    budget, most, held = Budget(10), [0], [0]
    lock = threading.Lock()

    def work(size: int) -> None:
        with budget.held(size):
            with lock:
                held[0] += size
                most[0] = max(most[0], held[0])
            time.sleep(0.002)
            with lock:
                held[0] -= size

    threads = [threading.Thread(target=work, args=(size,)) for size in [3, 4, 5, 6] * 10]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert 5 < most[0] <= 10


def test_what_is_over_the_whole_budget_is_held_alone_and_an_error_gives_it_back() -> None:
    budget = Budget(10)
    with pytest.raises(KeyError), budget.held(100):
        raise KeyError
    with budget.held(100):
        waiting = threading.Thread(target=lambda: budget.held(1).__enter__())
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
    waiting.join(5)
    assert not waiting.is_alive()


def test_large_pictures_relieve_the_budget_and_small_ones_do_not() -> None:
    budget, calls = Budget(100), []
    budget.relieve = lambda: calls.append(1)
    with budget.held(20, decoding=True), budget.held(80):
        assert not calls
    with budget.held(30, decoding=True):
        assert calls == [1]
    with Unbounded().held(1e12, decoding=True):
        pass
