from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agelens.apps.jobs.lock import LOCK, locked
from agelens.errors import JobError

HOLD = """
import sys, time
from pathlib import Path
from agelens.apps.jobs.lock import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_and_gone_where_it_is_empty(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out.parts"
    with locked(folder):
        assert (folder / LOCK).exists()
        held = f"held by process {os.getpid()} on {socket.gethostname()}; let that job end"
        for _ in range(2):  # who was refused has not taken it away
            with pytest.raises(JobError, match=held), locked(folder):
                pass
    assert not folder.exists()
    with locked(folder):
        (folder / "part").touch()
    assert [path.name for path in folder.iterdir()] == ["part"]


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out.parts"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(JobError, match=f"process {process.pid} on"), locked(folder):
            pass
        os.kill(process.pid, signal.SIGKILL)
    assert str(process.pid) in (folder / LOCK).read_text()
    with locked(folder):
        assert (folder / LOCK).read_text() == f"process {os.getpid()} on {socket.gethostname()}"
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "out.parts").touch()
    with pytest.raises(JobError, match="cannot be written: File exists"), locked(tmp_path / "out.parts"):
        pass


def test_an_error_releases_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "out.parts"):
        raise ZeroDivisionError
    with locked(tmp_path / "out.parts"):
        pass
