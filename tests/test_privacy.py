"""Nobody is told anything: no file is left at home, no name is looked up, no address is called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from servers.service import start, stop

#: Fails the process at the first look-up or connection that leaves the machine, in Python's own code.
HOOK = """
import sys

def refuse(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost", None):
        raise SystemExit(f"looked up {arguments[0]}")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] != "127.0.0.1":
        raise SystemExit(f"called {arguments[1]}")

sys.addaudithook(refuse)
"""

#: What a native library may do unseen by Python: call other machines, or read what a resolver reads.
_OUTWARD = re.compile(r"connect\(.*sin6?_addr=(?!inet_addr\(\"127\.)|/etc/resolv\.conf|nsswitch\.conf")


@pytest.fixture
def stranger(tmp_path: Path, yunet: Path) -> tuple[dict[str, str], Path]:
    """The environment of somebody with an empty home, and that home."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK)
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "PYTHONPATH", "COVERAGE_FILE", "OPENBLAS_CORETYPE", "LANG")
    }
    path = os.pathsep.join([str(tmp_path / "hook"), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | {"HOME": str(home), "PYTHONPATH": path, "AGELENS_YUNET": str(yunet)}, home


def watched(arguments: list[str], environment: dict[str, str], trace: Path) -> str:
    """Run the command; what it printed. Where strace is installed, its calls are looked through too."""
    command = [sys.executable, "-m", "agelens", *arguments]
    if shutil.which("strace"):
        calls = "trace=connect,sendto,openat"
        command = ["strace", "-f", "-qq", "-s", "256", "-e", calls, "-o", str(trace), *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if trace.exists():
        assert not [line for line in trace.read_text().splitlines() if _OUTWARD.search(line)]
    return done.stdout


def test_predict_leaves_an_empty_home_empty_and_calls_nobody(
    stranger: tuple[dict[str, str], Path], astronaut: Path, tmp_path: Path
) -> None:
    environment, home = stranger
    assert "female" in watched(["predict", str(astronaut)], environment, tmp_path / "trace")
    assert list(home.rglob("*")) == []


def test_evaluate_leaves_an_empty_home_empty_and_calls_nobody(
    stranger: tuple[dict[str, str], Path], astronaut: Path, tmp_path: Path
) -> None:
    environment, home = stranger
    manifest = tmp_path / "m.csv"
    manifest.write_text(f"image,age,gender,split\n{astronaut},41,female,test\n")
    arguments = ["evaluate", "--manifest", str(manifest), "--detector", "yunet"]
    assert "MAE" in watched(arguments, environment, tmp_path / "trace")
    assert list(home.rglob("*")) == []


def test_serve_leaves_an_empty_home_empty_and_calls_nobody(
    stranger: tuple[dict[str, str], Path], astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, home = stranger
    for name in ("HOME", "PYTHONPATH"):
        monkeypatch.setenv(name, environment[name])
    server = start("--workers", "2")
    answer = httpx.post(
        f"{server.url}/v1/predict",
        content=astronaut.read_bytes(),
        headers={"Content-Type": "image/jpeg"},
        timeout=60,
    )
    assert answer.status_code == 200
    printed = stop(server)
    assert "looked up" not in printed
    assert "called" not in printed
    assert list(home.rglob("*")) == []


def test_the_hook_of_these_tests_sees_a_call(stranger: tuple[dict[str, str], Path]) -> None:
    environment, _ = stranger
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr


def test_the_runtimes_telemetry_is_off_before_it_loads_and_may_be_set_by_hand() -> None:
    code = "import os, agelens; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for given, seen in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment | given, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == seen
