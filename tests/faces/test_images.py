from __future__ import annotations

import errno
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.errors import ImageError
from agelens.faces.images import open_image, open_regions, resize_to_square

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 20), (20, 20, 230), (255, 255, 255)


def corners(width: int = 60, height: int = 40) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    image = Image.new("RGB", (width, height))
    for box, colour in zip(
        [(0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)],
        [RED, GREEN, BLUE, WHITE],
        strict=True,
    ):
        image.paste(colour, (*box, box[0] + width // 2, box[1] + height // 2))
    return image


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def assert_upright(pixels: np.ndarray, tolerance: int = 40) -> None:
    height, width = pixels.shape[:2]
    for (x, y), colour in zip(
        [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)], [RED, GREEN, BLUE, WHITE], strict=True
    ):
        found = pixels[int(y * height), int(x * width)].astype(int)
        assert np.abs(found - colour).max() <= tolerance, f"at {x}, {y}: {found}"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = corners().transpose(undo[orientation]) if orientation in undo else corners()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = open_image(encoded(stored, "JPEG", exif=exif, quality=95))
    assert (picture.width, picture.height) == (60, 40)
    assert_upright(picture.pixels)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_huge_rotated_jpeg_is_reduced_and_reports_its_upright_size(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = (
        corners(3000, 2000) if orientation == 1 else corners(3000, 2000).transpose(Image.Transpose.ROTATE_90)
    )
    picture = open_image(encoded(stored, "JPEG", exif=exif), max_side=600)
    assert (picture.width, picture.height) == (3000, 2000)
    assert picture.pixels.shape == (400, 600, 3)
    assert picture.scale == pytest.approx(0.2)
    assert_upright(picture.pixels)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "TIFF", "GIF", "JPEG", "MPO", "AVIF"])
def test_common_formats_open(format: str) -> None:
    assert_upright(open_image(encoded(corners(), format)).pixels)


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK", "YCbCr"])
def test_colour_modes_become_rgb(mode: str) -> None:
    format = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    assert_upright(open_image(encoded(corners().convert(mode), format)).pixels)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16"])
def test_greyscale_modes_become_three_equal_channels(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray((np.linspace(0, 65535, 64 * 64).reshape(64, 64)).astype(np.uint16))
    else:
        image = Image.linear_gradient("L").convert(mode)
    pixels = open_image(encoded(image, "PNG")).pixels
    assert pixels.shape[2] == 3
    assert (pixels[..., 0] == pixels[..., 2]).all()
    assert pixels.min() < 10
    assert pixels.max() > 245
    assert pixels[-1].mean() > pixels[0].mean() + 100


def test_what_is_transparent_becomes_white() -> None:
    image = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert (open_image(encoded(image, "PNG")).pixels == 255).all()
    palette = Image.new("P", (20, 20), 0)
    assert (open_image(encoded(palette, "PNG", transparency=0)).pixels == 255).all()


def test_an_animation_gives_its_first_frame() -> None:
    later = [Image.new("RGB", (60, 40), "black")] * 3
    data = encoded(corners(), "GIF", save_all=True, append_images=later)
    assert_upright(open_image(data).pixels)


def test_paths_files_bytes_images_and_arrays_give_the_same(tmp_path: Path) -> None:
    data = encoded(corners(), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    expected = np.array(corners())
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), data, io.BytesIO(data), corners(), expected):
        np.testing.assert_array_equal(open_image(source).pixels, expected)


def test_arrays_of_one_or_four_channels_open_and_others_are_refused() -> None:
    grey = np.full((8, 9), 77, np.uint8)
    assert open_image(grey).pixels.shape == (8, 9, 3)
    assert open_image(grey[..., None]).pixels[0, 0].tolist() == [77, 77, 77]
    assert open_image(np.dstack([grey] * 3 + [np.full_like(grey, 255)])).pixels[0, 0].tolist() == [77, 77, 77]
    for bad in (np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ImageError, match="array"):
            open_image(bad)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_an_error_and_no_grey_half(format: str, tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    path = tmp_path / "cut.img"
    data = encoded(noise, format)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=r"cut\.img"):
        open_image(path)


def test_each_kind_of_non_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("I am no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    for name, why in [
        ("text.jpg", "not an image"),
        ("empty.jpg", "empty"),
        ("missing.jpg", "no such file"),
        (".", "folder"),
        ("page.eps", "not an image in a known format"),
    ]:
        with pytest.raises(ImageError, match=why):
            open_image(tmp_path / name)
    with pytest.raises(ImageError, match="no bytes"):
        open_image(b"")


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EIO, "input/output error"),
        (errno.ELOOP, "too many levels"),
    ],
)
def test_what_the_system_refuses_is_not_called_damage(
    failure: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    corners().save(path)
    stat = os.stat

    def refuse(asked: object, **options: object) -> os.stat_result:
        if str(asked) == str(path):
            raise OSError(failure, os.strerror(failure))
        return stat(asked, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(ImageError, match=rf"a\.png: cannot be read: {why}"):
        open_image(path)


def test_a_failing_disk_is_told_from_a_damaged_file() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 60:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    with pytest.raises(ImageError, match="the image: cannot be read: input/output error"):
        open_image(Failing(encoded(corners(), "PNG")))


def test_a_file_and_a_folder_without_permission_are_said_to_be(tmp_path: Path) -> None:
    """Root may read everything, so the process becomes somebody else once it has loaded what it needs."""
    file, folder, open_one = tmp_path / "closed.png", tmp_path / "closed", tmp_path / "open.png"
    for path in (file, open_one):
        corners().save(path)
    folder.mkdir()
    corners().save(folder / "a.png")
    file.chmod(0)
    folder.chmod(0)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent.is_relative_to(tempfile.gettempdir()):
            parent.chmod(parent.stat().st_mode | 0o055)
    code = """
import os, sys
from agelens.errors import ImageError
from agelens.faces.images import open_image
open_image(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
for path in sys.argv[2:]:
    try:
        open_image(path)
    except ImageError as error:
        print(error)
"""
    command = [sys.executable, "-c", code, str(open_one), str(file), str(folder / "a.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    folder.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{file}: cannot be read: permission denied",
        f"{folder}/a.png: cannot be read: permission denied",
    ]


def test_what_is_no_file_is_named_and_waited_for_by_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket.jpg"))
        for name, why in [
            ("pipe.jpg", "is a pipe, not a file"),
            ("socket.jpg", "is a socket, not a file"),
            ("zero.jpg", "is a device, not a file"),
            ("broken.jpg", "no such file: it is a link to nowhere.jpg, which is not there"),
            ("round.jpg", "cannot be read: too many levels of symbolic links"),
            ("a\0b.jpg", "no such file"),
            ("x" * 300, "cannot be read: file name too long"),
        ]:
            with pytest.raises(ImageError, match=re.escape(f"{name}: {why}")):
                open_image(tmp_path / name)


@pytest.mark.parametrize("orientation", [1, 6])
def test_regions_are_cut_at_full_resolution_from_the_upright_original(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = corners(3000, 2000)
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose.ROTATE_90)
    data = encoded(stored, "PNG", exif=exif)
    boxes = [(1480, 990, 1520, 1010), (0, 0, 5, 7)]
    for box, part in zip(boxes, open_regions(data, boxes), strict=True):
        np.testing.assert_array_equal(part.pixels, np.asarray(upright.crop(box)))
        assert part[1:] == (*box[:2], 1)


@pytest.mark.parametrize("orientation", [1, 6])
def test_where_less_is_enough_a_jpeg_is_reduced_while_it_is_decoded(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = corners(3000, 2000)
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose.ROTATE_90)
    data = encoded(stored, "JPEG", exif=exif, quality=95)
    picture = open_image(data, enough=700)
    assert (picture.width, picture.height) == (3000, 2000)
    assert picture.pixels.shape == (500, 750, 3)
    box = (1483, 991, 1999, 1503)
    (part,) = open_regions(data, [box], enough=1500)
    assert part.scale == 0.5
    assert (part.x, part.y) == (1482, 990)
    reduced = upright.crop((1482, 990, 2000, 1504)).resize((259, 257), Image.Resampling.BOX)
    np.testing.assert_allclose(part.pixels.astype(int), np.asarray(reduced), atol=60)
    assert np.abs(part.pixels.astype(int) - np.asarray(reduced)).mean() < 3


def test_a_coding_that_takes_more_memory_may_have_fewer_pixels() -> None:
    plain, heavy = (encoded(corners(600, 600), "JPEG", progressive=on, subsampling=0) for on in (False, True))
    assert open_image(plain, max_pixels=400_000).width == 600
    with pytest.raises(ImageError, match="600 x 600 pixels in this coding take 4 MB to decode"):
        open_image(heavy, max_pixels=400_000)
    assert open_image(heavy, max_pixels=1_000_000).width == 600


def test_an_opened_image_stays_the_callers(tmp_path: Path) -> None:
    corners().save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        for _ in range(2):
            np.testing.assert_array_equal(open_image(image).pixels, np.array(corners()))


def test_a_decompression_bomb_is_refused_before_it_unfolds() -> None:
    bomb = encoded(Image.new("L", (200, 100)), "PNG")
    with pytest.raises(ImageError, match="limit"):
        open_image(bomb, max_pixels=10_000)
    assert open_image(bomb, max_pixels=20_000).width == 200


def test_a_bomb_that_pillow_itself_refuses_is_a_sentence_too() -> None:
    # A PNG header that claims 60,000 x 60,000 pixels, with next to no data behind it.
    data = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    with pytest.raises(ImageError, match=r"bomb|limit"):
        open_image(bytes(data))


def test_resize_to_square_averages_when_it_shrinks() -> None:
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = resize_to_square(np.dstack([checks] * 3), 16)
    assert small.shape == (16, 16, 3)
    assert np.abs(small.astype(int) - 127).max() <= 1


def test_opening_an_image_does_not_load_the_runtime_of_the_detectors() -> None:
    code = "import sys, agelens.faces.images; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
