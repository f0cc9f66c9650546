"""Files whose last bytes are missing, and HEIC."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from agelens.errors import ImageError
from agelens.faces.images import open_image


def smooth(width: int = 200, height: int = 160) -> Image.Image:
    coarse = np.random.default_rng(1).integers(0, 255, (12, 15, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


CODINGS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(smooth(), "JPEG", quality=95),
    "progressive JPEG": lambda: encoded(smooth(), "JPEG", quality=95, progressive=True),
    "PNG": lambda: encoded(smooth(), "PNG"),
    "GIF": lambda: encoded(smooth(), "GIF", interlace=0),
    "BMP": lambda: encoded(smooth(), "BMP"),
    "TIFF": lambda: encoded(smooth(), "TIFF"),
    "PPM": lambda: encoded(smooth(), "PPM"),
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("path", [True, False])
def test_a_file_without_its_end_is_refused_unless_leniency_is_asked(
    coding: str, path: bool, tmp_path: Path
) -> None:
    whole = CODINGS[coding]()
    source: Path | bytes = whole[: int(0.8 * len(whole))]
    if path:
        (tmp_path / "a.img").write_bytes(source)
        source = tmp_path / "a.img"
    with pytest.raises(ImageError, match=r"cut short: .*; the option 'lenient' reads what there is of it$"):
        open_image(source)
    there = open_image(source, lenient=True).pixels
    expected = open_image(whole).pixels
    if coding == "BMP":  # its last rows come first
        there, expected = there[::-1], expected[::-1]
    off = np.abs(there[:110].astype(int) - expected[:110]).mean()
    assert off < (8 if "progressive" in coding else 0.5)
    assert (there != expected).any()


@pytest.mark.parametrize("coding", CODINGS)
def test_leniency_changes_nothing_of_a_whole_file(coding: str) -> None:
    whole = CODINGS[coding]()
    np.testing.assert_array_equal(open_image(whole, lenient=True).pixels, open_image(whole).pixels)


def test_leniency_towards_one_file_is_none_towards_another() -> None:
    cut = CODINGS["PNG"]()[:-2000]

    def read(lenient: bool) -> bool:
        try:
            open_image(cut, lenient=lenient)
        except ImageError:
            return False
        return True

    asked = [number % 2 == 0 for number in range(200)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, asked)) == asked
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("format", ["WEBP", "AVIF"])
def test_a_decoder_that_gives_all_or_nothing_is_not_said_to_be_lenient(format: str) -> None:
    cut = encoded(smooth(), format)[:-200]
    for lenient in (False, True):
        with pytest.raises(ImageError, match="cut short") as caught:
            open_image(cut, lenient=lenient)
        assert "lenient" not in str(caught.value)


def test_a_file_of_which_nothing_is_there_is_an_error_all_the_same() -> None:
    whole = CODINGS["PNG"]()
    for size in (40, whole.index(b"IDAT") + 6):
        with pytest.raises(ImageError, match="cut short"):
            open_image(whole[:size], lenient=True)


@pytest.fixture
def heic() -> Callable[..., bytes]:
    """What makes HEIC of a picture."""
    pillow_heif = pytest.importorskip("pillow_heif")

    pillow_heif.register_heif_opener()

    def make(image: Image.Image, *more: Image.Image, **options: object) -> bytes:
        return encoded(image, "HEIF", quality=90, save_all=True, append_images=more, **options)

    return make


def test_heic_is_read_like_every_other_picture(heic: Callable[..., bytes], tmp_path: Path) -> None:
    data = heic(smooth())
    (tmp_path / "a.jpg").write_bytes(data)  # the content decides, not the name
    for source in (data, tmp_path / "a.jpg", io.BytesIO(data)):
        picture = open_image(source)
        assert (picture.width, picture.height, picture.frames) == (200, 160, 1)
        assert np.abs(picture.pixels.astype(int) - np.asarray(smooth())).mean() < 5
    small = open_image(data, max_side=100)
    assert small.pixels.shape == (80, 100, 3)
    assert open_image(heic(smooth(), smooth(50, 50))).frames == 2


def test_heic_stands_upright_and_its_transparent_parts_are_white(heic: Callable[..., bytes]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = smooth().transpose(Image.Transpose.ROTATE_90)
    picture = open_image(heic(turned, exif=exif.tobytes()))
    assert (picture.width, picture.height) == (200, 160)
    assert np.abs(picture.pixels.astype(int) - np.asarray(smooth())).mean() < 5
    clear = smooth().convert("RGBA")
    clear.putalpha(0)
    assert (open_image(heic(clear)).pixels == 255).all()


def test_heic_has_the_limits_of_every_other_picture(heic: Callable[..., bytes]) -> None:
    data = heic(smooth())
    with pytest.raises(ImageError, match="over the limit"):
        open_image(data, max_pixels=30_000)
    with pytest.raises(ImageError, match="in this coding take"):
        open_image(data, max_pixels=40_000)
    for size in (30, 200, len(data) // 2, len(data) - 9):
        with pytest.raises(ImageError, match="cut short"):
            open_image(data[:size], lenient=True)


def test_without_its_extra_heic_is_named_and_the_extra_too(
    heic: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(heic(smooth()))
    code = """
import sys
sys.modules["pillow_heif"] = None
from agelens.errors import ImageError
from agelens.faces.images import open_image
try:
    open_image(sys.argv[1])
except ImageError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "photo.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = "is a HEIC picture, which needs the 'heic' extra: pip install 'agelens[heic]'"
    assert done.stdout.strip() == f"{tmp_path / 'photo.jpg'}: {expected}"
