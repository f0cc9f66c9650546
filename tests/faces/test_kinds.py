from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.faces.formats import HEAD
from agelens.faces.images import FORMATS
from agelens.faces.kinds import IMAGE_SUFFIXES, kind_of, kind_of_file, kind_of_name
from agelens.inference.video import mp4_encoder

#: What the decoders that may run are told apart by; a DIB is a BMP without the bytes that say so.
TOLD = [name for name in FORMATS if name != "DIB"]


@pytest.mark.parametrize("format", TOLD)
def test_every_format_that_is_read_is_an_image_by_its_first_bytes_and_by_its_suffix(format: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (9, 7), "red").save(file, format)
    assert kind_of(file.getvalue()[:HEAD]) == "image"
    suffixes = [suffix for suffix, name in Image.registered_extensions().items() if name == format]
    assert suffixes
    assert set(suffixes) & IMAGE_SUFFIXES


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
def test_a_video_is_told_by_its_content_whatever_it_is_called(tmp_path: Path, suffix: str) -> None:
    film = tmp_path / f"film{suffix}"
    with mp4_encoder(film, 5.0, (64, 48)) as append:
        append(np.zeros((48, 64, 3), np.uint8))
    assert kind_of_file(film) == "video"
    assert kind_of_file(film.rename(tmp_path / "film.jpg")) == "video"


def test_an_image_is_told_by_its_content_and_names_decide_where_it_says_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (9, 7)).save(tmp_path / "photo", "PNG")
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "broken.JPG").write_text("words")
    kinds = {name: kind_of_file(tmp_path / name) for name in ("photo", "notes.txt", "broken.JPG", "gone.mp4")}
    assert kinds == {"photo": "image", "notes.txt": "other", "broken.JPG": "image", "gone.mp4": "video"}
    assert kind_of_name("a.HEIC") == "image"
    assert kind_of(b"") == kind_of(b"BM are two letters") == "other"


def test_a_transport_stream_is_a_video_with_and_without_a_camcorders_time() -> None:
    packet = b"G@\x00\x10" + bytes(184)
    assert kind_of(packet * 3) == "video"
    assert kind_of((bytes(4) + packet) * 3) == "video"
    assert kind_of(b"GO" + bytes(300)) == "other"
