"""How many frames or pages a file holds, by its structure: none is decoded to count them.

Pillow counts a GIF's frames and a TIFF's pages by reading each, which a small file can draw out to minutes.
Here they are walked through, and no further than ``MOST``.
"""

from __future__ import annotations

from typing import IO, Literal

from PIL import Image

#: Frames are counted up to here; a file of more is said to have so many.
MOST = 9999


def count_frames(image: Image.Image) -> int:
    """The frames or pages of an opened file, 1 for most, at most ``MOST``; its place in the file is kept."""
    if image.format not in ("GIF", "TIFF"):
        return int(min(MOST, max(1, getattr(image, "n_frames", 1))))
    file: IO[bytes] | None = getattr(image, "fp", None)
    if file is None:  # loaded, and its file closed
        return 1
    here = file.tell()
    try:
        return max(1, _images_of_gif(file) if image.format == "GIF" else _pages_of_tiff(file))
    finally:
        file.seek(here)


def _images_of_gif(file: IO[bytes]) -> int:
    """The image descriptors of a GIF (GIF89a specification, sections 18 to 27)."""
    file.seek(10)
    _skip_palette(file, _byte(file), 2)
    count = blocks = 0
    while count < MOST and blocks < 10 * MOST:
        kind = _byte(file)
        if kind == 0x2C:  # an image: place, size, flags; a palette; the least size of its codes
            count += 1
            file.seek(8, 1)
            _skip_palette(file, _byte(file), 0)
            file.seek(1, 1)
        elif kind == 0x21:  # an extension and its label
            file.seek(1, 1)
        else:  # the trailer, the end, or nonsense
            break
        while (length := _byte(file)) > 0 and blocks < 100 * MOST:
            file.seek(length, 1)
            blocks += 1
    return count


def _skip_palette(file: IO[bytes], flags: int, further: int) -> None:
    file.seek(further + (3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0), 1)


def _pages_of_tiff(file: IO[bytes]) -> int:
    """The directories of a TIFF, each of which names the next (TIFF 6.0, section 2; BigTIFF)."""
    file.seek(0)
    head = file.read(16)
    order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
    big = head[2:4] in (b"+\0", b"\0+")
    number, entry, count = (8, 20, 8) if big else (4, 12, 2)
    at, seen = int.from_bytes(head[8:16] if big else head[4:8], order), set[int]()
    while at and at not in seen and len(seen) < MOST:
        file.seek(at)
        if len(entries := file.read(count)) < count:
            break
        seen.add(at)
        file.seek(entry * int.from_bytes(entries, order), 1)
        at = int.from_bytes(file.read(number), order)
    return len(seen)


def _byte(file: IO[bytes]) -> int:
    return next(iter(file.read(1)), -1)
