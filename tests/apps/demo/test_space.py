"""The Space: built, installed from the local wheel into a fresh environment, started, and driven."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import gradio
import pytest
import yaml

from agelens.apps.demo.space import build_space
from agelens.errors import AgeLensError
from agelens.models.bundle import Bundle
from browser import Browser
from servers.hugging_face import HuggingFaceState, hugging_face_server

ROOT = Path(__file__).parents[3]


def run(*command: object, **env: str) -> str:
    done = subprocess.run(
        [*map(str, command)], check=False, capture_output=True, text=True, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def front_matter(readme: Path) -> dict[str, object]:
    loaded = yaml.safe_load(readme.read_text().split("---")[1])
    assert isinstance(loaded, dict)
    return loaded


def test_the_folder_holds_what_spaces_ask_for(tmp_path: Path, tiny_bundle: Bundle) -> None:
    folder = build_space(tmp_path / "space", str(tiny_bundle.folder), title="Mine")
    about = front_matter(folder / "README.md")
    assert about["sdk"] == "gradio"
    assert about["sdk_version"] == gradio.__version__
    assert about["title"] == "Mine"
    assert (folder / str(about["app_file"])).is_file()
    # Until AgeLens is on PyPI its wheel is inside, and what it needs is installed from there.
    (wheel,) = folder.glob("agelens-*.whl")
    assert wheel.name in (folder / "app.py").read_text()
    needed = (folder / "requirements.txt").read_text().splitlines()
    assert {line.split("<")[0].split(">")[0] for line in needed} >= {"onnxruntime", "gradio"}
    assert not any(line.startswith(("agelens", "huggingface-hub")) for line in needed)
    assert (folder / "bundle" / "model.onnx").read_bytes() == tiny_bundle.model.read_bytes()
    assert list((folder / "examples").glob("*.jpg"))
    with pytest.raises(AgeLensError, match="is not empty"):
        build_space(folder)


def test_the_package_may_be_named(tmp_path: Path) -> None:
    named = build_space(tmp_path / "named", package="agelens[demo]==9.9")
    assert (named / "requirements.txt").read_text() == "agelens[demo]==9.9\n"
    assert not list(named.glob("*.whl"))
    assert "pip" not in (named / "app.py").read_text()
    with pytest.raises(AgeLensError, match="is no wheel of AgeLens"):
        build_space(tmp_path / "wrong", package=str(tmp_path / "agelens-1.whl"))
    assert not (tmp_path / "wrong").exists()


@pytest.mark.slow
def test_the_built_space_answers_from_a_fresh_environment(
    tmp_path: Path, browser: Browser, astronaut: Path
) -> None:
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("the wheel is built from a checkout")
    run(sys.executable, "-m", "agelens", "space", tmp_path / "space")
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    requirements = tmp_path / "space" / "requirements.txt"
    run(python, "-m", "pip", "install", "--quiet", "-r", requirements)
    installed = run(python, "-m", "pip", "list", "--format", "freeze")
    assert "torch==" not in installed
    env = {**os.environ, "GRADIO_SERVER_PORT": "7867", "AGELENS_CACHE": str(tmp_path / "cache")}
    env.pop("PYTHONPATH", None)
    server = subprocess.Popen([python, "app.py"], cwd=tmp_path / "space", env=env)
    try:
        address = "http://127.0.0.1:7867/"
        wait_for(address, server)
        page = browser.open(address)
        page.set_input_files("#photo input[type=file]", astronaut)
        page.wait_for_selector(".agelens-card")
        assert "years, female" in page.inner_text("#cards")
        assert all("127.0.0.1:7867" in url for url in browser.requests if url.startswith("http"))
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(tmp_path / "venv")


def wait_for(address: str, server: subprocess.Popen[bytes], seconds: float = 90) -> None:
    for _ in range(int(seconds * 2)):
        assert server.poll() is None, "the Space's app.py has ended"
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError("the Space does not answer")


def test_a_space_is_uploaded_by_the_real_client(tmp_path: Path) -> None:
    with hugging_face_server() as server:
        env = {"HF_ENDPOINT": server.url, "HF_TOKEN": server.state.token, "HF_HOME": str(tmp_path / "hf")}
        command = (sys.executable, "-m", "agelens", "space", tmp_path / "space", "--push", "hf://me/lens")
        assert f"{server.url}/spaces/me/lens" in run(*command, **env, HF_HUB_DISABLE_XET="1")
        assert isinstance(server.state, HuggingFaceState)
        files = server.state.repos["spaces/me/lens"][-1]
        assert files["app.py"] == (tmp_path / "space" / "app.py").read_bytes()
        assert "examples/astronaut.jpg" in files
