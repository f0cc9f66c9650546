from __future__ import annotations

import io
import struct
import time

import pytest
from PIL import Image

from agelens.faces.frames import MOST, count_frames
from agelens.faces.images import open_image


def encoded(count: int, format: str, **options: object) -> bytes:
    pages = [Image.new("RGB", (20, 10), (40 * number, 9, 9)) for number in range(count)]
    buffer = io.BytesIO()
    pages[0].save(buffer, format, save_all=True, append_images=pages[1:], **options)
    return buffer.getvalue()


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("format", ["GIF", "TIFF", "WEBP", "PNG", "AVIF"])
def test_frames_and_pages_are_counted_and_the_first_is_read(format: str, count: int) -> None:
    picture = open_image(encoded(count, format))
    assert picture.frames == count
    assert picture.pixels[0, 0, 0] < 20


def test_pages_of_a_big_tiff_are_counted() -> None:
    assert open_image(encoded(3, "TIFF", big_tiff=True)).frames == 3


def test_a_jpeg_and_an_array_are_one_picture() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "JPEG")
    assert open_image(buffer.getvalue()).frames == 1
    assert open_image(Image.new("RGB", (9, 9))).frames == 1


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_a_file_of_a_million_frames_is_counted_in_no_time(kind: str) -> None:
    if kind == "GIF":
        data = encoded(1, "GIF")[:-1] + (b"," + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\2\0") * 1_000_000
    else:
        start = b"II*\0\x08\0\0\0"
        data = start + b"".join(struct.pack("<HI", 0, 8 + 6 * number) for number in range(1, 1_000_000))
    started = time.process_time()
    with Image.open(io.BytesIO(encoded(1, kind))) as image:
        image.fp = io.BytesIO(data)
        assert count_frames(image) == MOST
    assert time.process_time() - started < 1


def test_a_tiff_whose_pages_go_in_a_circle_ends() -> None:
    with Image.open(io.BytesIO(encoded(1, "TIFF"))) as image:
        image.fp = io.BytesIO(b"II*\0\x08\0\0\0" + struct.pack("<HI", 0, 8))
        assert count_frames(image) == 1


def test_counting_leaves_the_file_where_it_was() -> None:
    with Image.open(io.BytesIO(encoded(3, "GIF"))) as image:
        here = image.fp.tell()
        assert count_frames(image) == 3
        assert image.fp.tell() == here
