from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from agelens.errors import ImageError
from agelens.faces.formats import recognise
from agelens.faces.images import open_image

HEADS = {
    "JPEG XL": b"\xff\x0a\xfa\x7f",
    "JPEG XL ": b"\0\0\0\x0cJXL \r\n\x87\n",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "JPEG 2000 ": b"\xff\x4f\xff\x51\0\x29",
    "Photoshop": b"8BPS\0\1",
    "GIMP": b"gimp xcf file",
    "icon": b"\0\0\1\0\1\0\x10\x10",
    "OpenEXR": b"v/1\1\2\0\0\0",
    "Radiance": b"#?RADIANCE\n",
    "DICOM": bytes(128) + b"DICM",
    "raw": b"FUJIFILMCCD-RAW 0201",
    "raw ": b"\0\0\0\x18ftypcrx \0\0\0\1",
    "PostScript": b"%!PS-Adobe-3.0",
    "PDF": b"\n%PDF-1.7",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "SVG ": b"<?xml version='1.0'?>\n<!-- made -->\n<!DOCTYPE svg>\n<svg>",
    "web page": b"\n<!DOCTYPE html><html>",
    "MP4": b"\0\0\0\x18ftypmp42\0\0\0\0",
    "QuickTime": b"\0\0\0\x14ftypqt  \0\0\0\0",
    "Matroska": b"\x1a\x45\xdf\xa3\x01",
    "AVI": b"RIFF\1\0\0\0AVI LIST",
    "MPEG": b"\0\0\1\xba\x44",
    "archive": b"PK\3\4\x14",
    "program": b"\x7fELF\2",
}


@pytest.mark.parametrize("name", HEADS)
def test_what_cannot_be_read_is_called_by_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(HEADS[name] + bytes(300))
    for source in (path, path.read_bytes(), path.open("rb")):
        with pytest.raises(
            ImageError, match=rf"not an image in a known format: it is an? .*{name.strip()}.*; "
        ):
            open_image(source)


@pytest.mark.parametrize("head", [b"", b"text", b"\0" * 99, b"<", b"ftyp", b"\0\0\0\x18ftypjunk", b"II"])
def test_what_is_not_known_is_not_guessed(head: bytes) -> None:
    assert recognise(head) is None


@pytest.mark.parametrize(
    ("brand", "more", "phrase"),
    [
        (b"heic", b"", "a HEIC picture"),
        (b"heix", b"mif1", "a HEIC picture"),
        (b"mif1", b"heic", "a HEIC picture"),
        (b"mif1", b"avifmiaf", "an AVIF picture"),
        (b"avif", b"mif1", "an AVIF picture"),
    ],
)
def test_brands_tell_heic_from_avif(brand: bytes, more: bytes, phrase: str) -> None:
    box = b"ftyp" + brand + bytes(4) + more
    kind = recognise((len(box) + 4).to_bytes(4, "big") + box + b"heicavif")  # what stands behind is no brand
    assert kind is not None
    assert kind.phrase == phrase


def test_a_damaged_picture_is_said_to_be_one() -> None:
    with pytest.raises(ImageError, match=re.escape("perhaps cut short: it begins as a PNG picture")):
        open_image(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("head", [b"<!--" * 256, b"<!---->" * 150, b"<?" * 512, b" " * 1024, b"<!-- <" * 170])
def test_no_head_takes_long_to_recognise(head: bytes) -> None:
    started = time.process_time()
    recognise(head)
    assert time.process_time() - started < 0.1
