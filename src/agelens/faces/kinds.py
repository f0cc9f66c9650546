"""The kind of a file: an image, a video or something else, by its first bytes before its name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

Kind = Literal["image", "video", "other"]

#: Every suffix that names an image; folders are searched by this one list, data sets' too.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".heic", ".heif"}
    | {".bmp", ".dib", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"}
)
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".3gp", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"}
    | {".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".ogv"}
)

#: Bytes that tell the kind of a file.
HEAD = 32

_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_VIDEOS = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"FLV\x01", b"0&\xb2u\x8ef\xcf\x11")
#: Brands of the ISO base media format (ISO/IEC 14496-12) that hold still images.
_STILL = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def kind_of(head: bytes) -> Kind:
    """The kind of what begins with these bytes; ``HEAD`` of them are enough."""
    match head[:4], head[4:8], head[8:12]:
        case (b"RIFF", _, b"WEBP"):
            return "image"
        case (b"RIFF", _, b"AVI "):
            return "video"
        case (_, b"ftyp", brand):
            return "image" if brand in _STILL else "video"
    if head.startswith(_IMAGES) or (head.startswith(b"BM") and head[6:10] == bytes(4)):
        return "image"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "image"
    return "video" if head.startswith(_VIDEOS) or _is_transport_stream(head) else "other"


def kind_of_file(path: str | Path) -> Kind:
    """The kind of a file, by its content; by its suffix where the content says nothing or cannot be read.

    Pipes and devices are not opened: to read their first bytes is to take them.
    """
    found: Kind = "other"
    if os.path.isfile(path):
        try:
            with open(path, "rb") as file:
                found = kind_of(file.read(HEAD))
        except OSError:
            pass  # whoever reads it says why it cannot be
    return kind_of_name(path) if found == "other" else found


def kind_of_name(path: str | Path) -> Kind:
    """The kind that a suffix promises."""
    suffix = os.path.splitext(path)[1].lower()
    return "image" if suffix in IMAGE_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else "other"


def _is_transport_stream(head: bytes) -> bool:
    """An MPEG transport stream begins with the sync byte of a packet; a camcorder's has a time before it."""
    return head[:3] in (b"G@\x00", b"G@\x11") or head[4:7] in (b"G@\x00", b"G@\x11")
