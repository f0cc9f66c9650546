"""Write files whole or not at all and harm nothing that is there, and hash them the same way everywhere."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from agelens.errors import OutputError

#: How an address begins that has become a path; one letter is a drive.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)

_PACKAGE = Path(__file__).parent.resolve()


def resolved(path: Path) -> Path:
    """The absolute path, links followed as far as they lead; unlike ``Path.resolve``, a loop is no error."""
    return Path(os.path.realpath(path))


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, renamed to ``path`` once the block ends without an error.

    A reader therefore sees the old file or the new one and never half of one, even if the process is killed.
    A link stays a link: its file is written. What is no plain file (a pipe, a device) is written into.

    Raises:
        OutputError: there can be no such file, before the block begins; or the disk is full.
    """
    check_output(path)
    plain = path.is_file() or not path.exists()
    goal = resolved(path) if plain else path
    folder = goal.parent if plain else Path(tempfile.gettempdir())
    temporary = folder / f".{goal.name}.{uuid4().hex}{goal.suffix}"
    with _explained(path):
        folder.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
    try:
        with _explained(path, errno.ENOSPC, errno.EDQUOT):
            yield temporary
        with _explained(path):
            if plain:
                temporary.replace(goal)
            else:
                with temporary.open("rb") as content, goal.open("wb") as through:
                    shutil.copyfileobj(content, through)
    finally:
        temporary.unlink(missing_ok=True)


def check_output(path: Path, *suffixes: str, inputs: Iterable[Path] = ()) -> None:
    """Refuse an output that can never be written or never should be, before the work that it is for.

    Args:
        path: the file to be written.
        suffixes: those of the formats in which it can be written, as ``.csv``; none for any.
        inputs: files that are read, none of which it may replace.

    Raises:
        OutputError: it is a folder, an address, lies in the package itself, or below something that is no
            folder; its name promises another format; or it is an input.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file to write")
    check_local(path)
    check_not_packaged(path)
    # A pipe or device is opened; a plain file is replaced, which its folder must allow.
    opened = path.exists() and not path.is_file()
    if suffixes and not opened and path.suffix.lower() not in suffixes:
        raise OutputError(f"{path} would be written as {' or '.join(suffixes)}; name it so")
    if path.is_file() and any(one.exists() and path.samefile(one) for one in inputs):
        raise OutputError(f"{path} is an input, and would be replaced; name another file")
    place = path if opened else next(one for one in resolved(path).parents if one.exists())
    if not opened and not place.is_dir():
        raise OutputError(f"{path} cannot be written: {place} is no folder")
    if not os.access(place, os.W_OK):
        raise OutputError(f"{path} cannot be written: no permission for {place}")


def check_local(path: Path) -> None:
    """Refuse an address such as ``s3://bucket/x``, which would become files in a folder called ``s3:``.

    Raises:
        OutputError: it is an address.
    """
    if begin := _ADDRESS.match(path.as_posix()):
        address = f"{begin[0]}/{path.as_posix()[begin.end() :]}"
        raise OutputError(
            f"{address} is an address; name a file or folder here "
            "(only 'agelens predict --engine ray' writes a Parquet table to an address)"
        )


def check_not_packaged(path: Path) -> None:
    """Refuse to change the installed package, such as the model inside it.

    Raises:
        OutputError: the path lies there.
    """
    if resolved(path).is_relative_to(_PACKAGE):
        raise OutputError(f"{path} belongs to the installed package, which is never changed; name a copy")


@contextmanager
def _explained(path: Path, *numbers: int) -> Iterator[None]:
    """Say what the system refused in a sentence; with ``numbers``, of these errors alone."""
    try:
        yield
    except OSError as error:
        if numbers and error.errno not in numbers:
            raise
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``folder``; it takes the name once the block ends without an error.

    An existing folder stays until then and is replaced: whether it may be is for the caller to check first.
    What an earlier, killed run has left half written is removed.

    Raises:
        OutputError: there can be no such folder, before the block begins; or the disk is full.
    """
    check_local(folder)
    check_not_packaged(folder)
    partial, old = (folder.with_name(f".{folder.name}.{what}") for what in ("partial", "old"))
    shutil.rmtree(partial, ignore_errors=True)
    with _explained(folder):
        partial.mkdir(parents=True)
    try:
        with _explained(folder, errno.ENOSPC, errno.EDQUOT):
            yield partial
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV of a header and rows, whole or not at all: UTF-8, lines ended by a line feed alone.

    None is written as an empty cell.
    """
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_bytes(text.encode())


def sha256(path: Path) -> str:
    """The file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()
