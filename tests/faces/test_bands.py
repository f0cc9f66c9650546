from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from agelens.faces.bands import Decoded, upright_size

UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, bands), dtype=np.uint8)
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def decoded(image: Image.Image, orientation: int = 1) -> Decoded:
    return Decoded(image.size, image.crop, orientation)


@pytest.mark.parametrize(("width", "height"), [(1000, 900), (900, 1001), (3, 5000), (5000, 3)])
def test_bands_give_what_the_whole_would(width: int, height: int) -> None:
    image = noise(width, height)
    small = decoded(image).to_rgb(300)
    whole = image.resize(small.shape[1::-1], Image.Resampling.BOX)
    assert np.abs(small.astype(int) - np.asarray(whole)).max() <= 1
    np.testing.assert_array_equal(decoded(image).to_rgb(None), np.asarray(image))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_the_transparent_is_white_before_it_is_averaged(mode: str) -> None:
    image = noise(1200, 800, mode)
    rgba = image.convert("RGBA")
    whole = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    expected = np.asarray(whole.resize((300, 200), Image.Resampling.BOX)).astype(int)
    assert np.abs(decoded(image).to_rgb(300) - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_of_the_upright_picture_is_cut_from_the_stored_one(orientation: int) -> None:
    upright = noise(60, 40)
    stored = upright.transpose(UNDO[orientation]) if orientation in UNDO else upright
    assert upright_size(stored.size, orientation) == (60, 40)
    picture = decoded(stored, orientation)
    np.testing.assert_array_equal(picture.to_rgb(None), np.asarray(upright))
    np.testing.assert_array_equal(picture.region((7, 3, 50, 21)), np.asarray(upright)[3:21, 7:50])


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (np.uint16([[0, 65535]]), 255),
        (np.uint16([[0, 255]]), 255),
        (np.int32([[0, 65535]]), 255),
        (np.float32([[0, 255]]), 255),
        (np.float32([[0, 1]]), 255),
        (np.float32([[np.nan, 0.5]]), 127),
        (np.float32([[-np.inf, np.inf]]), 255),
    ],
)
def test_deep_grey_is_scaled_as_a_whole(values: np.ndarray, white: int) -> None:
    # Far apart: neither band alone tells the scale.
    deep = np.repeat(np.repeat(values, 700, axis=1).T, 700, axis=1)
    picture = decoded(Image.fromarray(np.ascontiguousarray(deep)))
    pixels = picture.to_rgb(None)
    assert pixels[0].max() == 0
    assert pixels[-1].min() == white
    assert picture.region((0, 1390, 5, 1400)).max() == white


def test_what_is_freed_is_gone() -> None:
    freed: list[bool] = []
    image = noise(3, 3)
    picture = Decoded(image.size, image.crop, 1, lambda: freed.append(True))
    picture.free()
    assert freed == [True]
    with pytest.raises(AttributeError):
        picture.to_rgb(None)
