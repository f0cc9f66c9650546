"""One job at a time on one output: a lock that the system releases when its process ends."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from agelens.errors import JobError

#: The lock's file, in a job's folder.
LOCK = "agelens.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a job's folder, which is made where there is none, and removed in the end where it is empty.

    Raises:
        JobError: another process holds it, which the message names; or it cannot be written.
    """
    path = folder / LOCK
    file = _hold(path)
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        if sys.platform == "win32":  # which removes no open file
            file.close()
        with suppress(OSError):
            path.unlink()
            folder.rmdir()
        file.close()


def _hold(path: Path) -> IO[bytes]:
    """Open the lock's file and lock it."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b", buffering=0)
        except FileNotFoundError:  # its owner has just ended, and removed the folder
            continue
        except OSError as error:
            raise JobError(f"{path.parent} cannot be written: {error.strerror or error}") from error
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass  # what was locked had just been removed
        except BlockingIOError:
            file.seek(0)
            holder = file.read(200).decode(errors="replace") or "a process that has just begun"
            file.close()
            raise JobError(
                f"{path.parent} is held by {holder}; let that job end, or name another output"
            ) from None
        file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        """Lock a byte far behind the text, which stays readable."""
        file.seek(1 << 30)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from None

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        """Lock the file; a file system without locks gives none, and the job goes on."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return
