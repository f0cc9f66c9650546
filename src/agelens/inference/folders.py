"""Images in folders: searched in depth, and what else lies there counted, so that it can be said."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from agelens.errors import AgeLensError
from agelens.faces.kinds import kind_of_file, kind_of_name


@dataclass(slots=True)
class PassedOver:
    """What a search of folders found and did not take for images.

    Attributes:
        kinds: how many files of each suffix, hidden files aside.
        videos: how many videos; a video is read alone.
        closed: the folders that could not be opened, and why.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    videos: int = 0
    closed: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What a person should know of it."""
        said = [f"{folder}; what is in it was passed over" for folder in self.closed]
        if self.videos:
            said.append(f"passed over in folders: videos ({self.videos}); name a video alone to read it")
        if self.kinds:
            each = ", ".join(f"{suffix} ({count})" for suffix, count in self.kinds.most_common())
            said.append(f"passed over in folders, since they are no images: {each}")
        return said


def walk(folder: str, passed_over: PassedOver, *, named: bool = False) -> Iterator[str]:
    """The images in a folder and below it, each folder's in the order of their names.

    A file is an image by its suffix, or by its content where the suffix says nothing. Folders are walked, not
    listed whole, so that memory does not grow with them. One that was ``named`` must open; one that is found
    in another costs what it holds.

    Raises:
        AgeLensError: the named folder cannot be opened.
    """
    try:
        with os.scandir(folder) as entries:
            here = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        sentence = f"the folder {as_text(folder)} cannot be opened: {error.strerror}"
        if named:
            raise AgeLensError(sentence) from error
        passed_over.closed.append(sentence)
        return
    for entry in here:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path, passed_over)
        elif entry.is_file() and _is_image(entry, passed_over):
            yield entry.path


def as_text(name: str) -> str:
    """A file's name as text: bytes of it that are no UTF-8 are written as ``\\xff``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_image(entry: os.DirEntry[str], passed_over: PassedOver) -> bool:
    """Whether it is; what it is instead is counted, unless it is hidden."""
    name, hidden = entry.name, entry.name.startswith(".")
    if name.startswith("._"):  # what macOS notes of a file beside it, under the suffix of an image
        return False
    kind = kind_of_name(name)
    if kind == "other" and not hidden:
        kind = kind_of_file(entry.path)
    passed_over.videos += kind == "video"
    if kind == "other" and not hidden:
        passed_over.kinds[as_text(os.path.splitext(name)[1].lower()) or "without a suffix"] += 1
    return kind == "image"
