"""The container's image, as far as that goes without an engine: linted, and its steps run in turn."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from dockerfile_parse import DockerfileParser

from servers.service import free_port

ROOT = Path(__file__).parents[1]
CONTAINERFILE = ROOT / "Containerfile"


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_has_nothing_to_say() -> None:
    linted = subprocess.run(["hadolint", str(CONTAINERFILE)], check=False, capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of the file, with what each is given, by stage."""
    found: list[list[tuple[str, str]]] = []
    with CONTAINERFILE.open("rb") as file:
        for step in DockerfileParser(fileobj=file).structure:
            if step["instruction"] == "FROM":
                found.append([])
            elif step["instruction"] != "COMMENT":
                found[-1].append((step["instruction"], step["value"]))
    return found


def script(stage: list[tuple[str, str]], root: Path) -> str:
    """What a stage does to the files, as a shell script; ``root`` stands for the root of the image."""
    lines = []
    for instruction, value in stage:
        placed = re.sub(r"(?<![\w.])/(?=(opt|source|tmp)\b)", f"{root}/", value)
        match instruction:
            case "WORKDIR":
                lines.append(f"mkdir -p {placed}; cd {placed}")
            case "COPY" if not value.startswith("--from"):
                *sources, target = placed.split()
                lines.append(f"cp -r {' '.join(str(ROOT / source) for source in sources)} {target}")
            case "RUN" if "useradd" not in value:
                lines.append(placed.replace("--no-cache-dir ", ""))  # what was fetched today is here
            case "ENV":
                lines.append(f"export {placed}")
    return "\n".join(["set -e", *lines])


@pytest.mark.slow
def test_the_image_is_built_serves_and_is_healthy(tmp_path: Path) -> None:
    build, last = stages()
    (tmp_path / "tmp").mkdir()
    yunet = ROOT / "tests" / "assets" / "face_detection_yunet_2026may.onnx"  # nothing is fetched
    environment = {**os.environ, "AGELENS_YUNET": str(yunet)}
    environment.pop("PYTHONPATH", None)

    built = subprocess.run(
        ["sh", "-c", script(build, tmp_path)], check=False, env=environment, capture_output=True, text=True
    )
    if built.returncode and "Failed to establish a new connection" in built.stderr:
        pytest.skip("the package registry cannot be reached")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "female" in built.stdout  # the answer to the picture that is read while building

    settings, port = dict(last), free_port()
    entrypoint = shlex.join([*json.loads(settings["ENTRYPOINT"]), "--port", str(port)])
    health = shlex.join(json.loads(settings["HEALTHCHECK"].partition(" CMD ")[2])).replace("8000", str(port))
    inside = script(last, tmp_path)
    served = subprocess.Popen(["sh", "-c", f"{inside}\nexec {entrypoint}"], env=environment)
    try:
        for _ in range(100):
            checked = subprocess.run(["sh", "-c", f"{inside}\n{health}"], check=False, capture_output=True)
            if checked.returncode == 0 or served.poll() is not None:
                break
            time.sleep(0.2)
        assert checked.returncode == 0, checked.stderr
        assert httpx.get(f"http://127.0.0.1:{port}/v1/model").json()["name"] == "embedded"
    finally:
        served.send_signal(getattr(signal, settings["STOPSIGNAL"]))
        ended = served.wait(timeout=40)
    assert ended == 0
    checked = subprocess.run(["sh", "-c", f"{inside}\n{health}"], check=False, capture_output=True)
    assert checked.returncode != 0
