"""The kind of a file: an image, a video or something else, by its first bytes before its name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from agelens.faces import formats

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


def kind_of(head: bytes) -> Kind:
    """The kind of what begins with these bytes; ``formats.HEAD`` of them are enough."""
    known = formats.recognise(head)
    if known is None:
        return "other"
    if known.read or known in (formats.HEIC, formats.TIFF):
        return "image"
    return "video" if known.video else "other"


def kind_of_file(path: str | Path) -> Kind:
    """The kind of a file, by its content; by its suffix where the content says nothing or cannot be read.

    Pipes and devices are not opened: to read their first bytes is to take them.
    """
    found: Kind = "other"
    if os.path.isfile(path):
        try:
            with open(path, "rb") as file:
                found = kind_of(file.read(formats.HEAD))
        except OSError:
            pass  # whoever reads it says why it cannot be
    return kind_of_name(path) if found == "other" else found


def kind_of_name(path: str | Path) -> Kind:
    """The kind that a suffix promises."""
    suffix = os.path.splitext(path)[1].lower()
    return "image" if suffix in IMAGE_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else "other"
