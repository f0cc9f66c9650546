from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from agelens.errors import ImageError
from agelens.faces import webp
from agelens.faces.images import open_image


def encoded(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", **options)
    return buffer.getvalue()


def picture(mode: str, seed: int = 0) -> Image.Image:
    channels = len(mode)
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 13, channels), dtype=np.uint8)
    return Image.fromarray(coarse, mode).resize((130, 90), Image.Resampling.BICUBIC)


def by_pillow(data: bytes) -> np.ndarray:
    rgba = Image.open(io.BytesIO(data)).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"quality": 20}])
def test_a_still_has_the_pixels_that_pillow_finds(mode: str, options: dict[str, object]) -> None:
    data = encoded(picture(mode), **options)
    np.testing.assert_array_equal(open_image(data).pixels, by_pillow(data))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
def test_an_animation_gives_its_first_frame(mode: str, lossless: bool) -> None:
    more = [picture(mode, seed) for seed in (1, 2)]
    data = encoded(picture(mode), save_all=True, append_images=more, lossless=lossless)
    opened = open_image(data)
    assert opened.frames == 3
    np.testing.assert_array_equal(opened.pixels, by_pillow(data))


def test_a_first_frame_smaller_than_its_canvas_lies_on_white() -> None:
    # A still's own frame, said to lie at (40, 20) of a canvas of 200 x 150.
    still = encoded(picture("RGB"), lossless=True)
    three = [value.to_bytes(3, "little") for value in (20, 10, 129, 89, 100)]
    frame = b"".join(three) + b"\0" + still[12:]
    chunks = b"VP8X" + (10).to_bytes(4, "little") + b"\2\0\0\0" + (199).to_bytes(3, "little")
    chunks += (149).to_bytes(3, "little") + b"ANIM\6\0\0\0" + bytes(6)
    chunks += b"ANMF" + len(frame).to_bytes(4, "little") + frame
    data = b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks
    pixels = open_image(data).pixels
    assert pixels.shape == (150, 200, 3)
    np.testing.assert_array_equal(pixels[20:110, 40:170], np.asarray(picture("RGB")))
    pixels = pixels.copy()
    pixels[20:110, 40:170] = 255
    assert (pixels == 255).all()
    np.testing.assert_array_equal(open_image(data, 100).pixels.shape, (75, 100, 3))


def test_a_frame_beyond_its_canvas_and_broken_data_are_errors() -> None:
    still = encoded(picture("RGB"))
    with pytest.raises(ValueError, match="beyond its canvas"):
        webp.decode(still, (100, 90), 1)
    with pytest.raises(ValueError, match="broken"):
        webp.decode(still[: len(still) // 2], (130, 90), 1)
    with pytest.raises(ImageError, match="cut short"):
        open_image(still[: len(still) // 2])
