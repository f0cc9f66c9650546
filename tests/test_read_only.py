"""A container as careful people run it: nothing can be written, there is no home, and no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

#: Makes every file system that can be written read-only, in a namespace of mounts that is left at the end.
SEALED = """
set -e
mount --make-rprivate /
while read -r _ where kind _; do
  case $kind in
    proc|sysfs|cgroup*|devpts|mqueue) ;;
    *) mount -o remount,bind,ro "$(printf '%b' "$where")" 2>/dev/null || true ;;
  esac
done < /proc/self/mounts
for folder in / /tmp /var/tmp /dev/shm "$PWD"; do
  if [ -d "$folder" ] && touch "$folder/.agelens-probe" 2>/dev/null; then
    rm -f "$folder/.agelens-probe"
    echo "$folder can still be written" >&2
    exit 77
  fi
done
exec "$@"
"""

#: Raises the loopback interface, which a new network has down; then serves, asks, and ends it.
SERVES = """
import fcntl, http.client, signal, socket, struct, subprocess, sys, time

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    fcntl.ioctl(one, 0x8914, struct.pack("16sh22x", b"lo", 0x1 | 0x40))
command = [sys.executable, "-m", "agelens", "serve", "--port", "8000", *sys.argv[2:]]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
for _ in range(300):
    time.sleep(0.1)
    try:
        client = http.client.HTTPConnection("127.0.0.1", 8000, timeout=30)
        client.request("POST", "/v1/predict", open(sys.argv[1], "rb").read(), {"content-type": "image/jpeg"})
        answer = client.getresponse()
        break
    except OSError:
        if server.poll() is not None:
            sys.exit(server.returncode)
print(answer.status, answer.read().decode())
client.close()
server.send_signal(signal.SIGTERM)
sys.exit(server.wait(40))
"""


def sealed(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with next to no environment where nothing can be written and nobody be reached."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root can seal a file system, with unshare")
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "AGELENS_YUNET") if name in os.environ}
    run = ["unshare", "--mount", "--net", "sh", "-c", SEALED, "sh", *command]
    done = subprocess.run(run, env=kept, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode == 77 or "unshare failed" in done.stderr or "make-rprivate" in done.stderr:
        pytest.skip(f"file systems cannot be sealed here: {done.stderr.strip()}")
    return done


@pytest.fixture(autouse=True)
def _at_hand(yunet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))


def test_predict_answers_where_nothing_can_be_written(astronaut: Path) -> None:
    done = sealed(sys.executable, "-m", "agelens", "predict", str(astronaut))
    assert (done.returncode, done.stderr) == (0, "")
    assert "female" in done.stdout


def test_predict_falls_back_to_haar_without_a_home_a_network_and_yunet(
    astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGELENS_YUNET")
    done = sealed(sys.executable, "-m", "agelens", "predict", str(astronaut))
    assert done.returncode == 0, done.stderr
    assert "female" in done.stdout
    assert done.stderr.startswith("agelens: using the Haar detector")
    assert len(done.stderr.splitlines()) == 1


def test_serve_answers_where_nothing_can_be_written(astronaut: Path) -> None:
    done = sealed(sys.executable, "-c", SERVES, str(astronaut))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 ")
    assert '"gender":"female"' in done.stdout


def test_several_workers_need_a_folder_and_say_so(astronaut: Path) -> None:
    done = sealed(sys.executable, "-c", SERVES, str(astronaut), "--workers", "2")
    assert done.returncode == 2
    assert "TMPDIR" in done.stderr
    assert "Traceback" not in done.stderr
