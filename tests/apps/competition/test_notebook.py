from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from agelens.apps.competition.notebook import write_notebook
from agelens.apps.competition.submission import submit
from agelens.apps.wheel import own_wheel
from agelens.errors import AgeLensError
from agelens.inference.predictor import Predictor
from agelens.models.catalogue import resolve
from agelens.models.hubs import push
from servers.kaggle import kaggle_server

URI = "kaggle://owner/agelens/onnx/embedded"


def test_the_notebook_runs_and_writes_what_the_command_writes(
    competition: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = competition(male="1")
    with kaggle_server() as server:
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
        monkeypatch.setenv("KAGGLE_API_TOKEN", server.state.token)
        monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("AGELENS_DATA", str(folder))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        push(resolve("embedded"), URI)
        path = tmp_path / "submission.ipynb"
        write_notebook(path, f"{URI}/1", detector="whole", flip=True, round_ages=False)
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        folder_of_it = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=folder_of_it).execute()
    submit([Predictor(resolve("embedded"), "whole")], folder, tmp_path / "command.csv", flip=True)
    assert (tmp_path / "submission.csv").read_bytes() == (tmp_path / "command.csv").read_bytes()
    assert len(pd.read_csv(tmp_path / "submission.csv")) > 200
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    tables = [output["data"]["text/plain"] for output in outputs if "text/plain" in output.get("data", {})]
    assert any("utkface test" in table and "[0." in table for table in tables)


def test_its_training_code_is_there_and_commented_out(tmp_path: Path) -> None:
    write_notebook(tmp_path / "n.ipynb", URI, detector="whole", flip=False, round_ages=False)
    cells = nbformat.read(tmp_path / "n.ipynb", as_version=4).cells
    (training,) = (cell.source for cell in cells if "agelens train" in cell.source)
    assert all(line.startswith("# ") for line in training.splitlines())
    assert "!agelens data import competition {DATA}" in training
    assert f"!agelens push bundle {URI}" in training


def test_it_names_the_competition_and_its_score(tmp_path: Path) -> None:
    write_notebook(tmp_path / "n.ipynb", URI, detector="whole")
    introduction = nbformat.read(tmp_path / "n.ipynb", as_version=4).cells[0].source
    assert "(https://www.kaggle.com/competitions/sep-25-dl-gen-ai-nppe-1)" in introduction
    assert "harmonic mean" in introduction


def test_the_wheel_of_an_attached_data_set_is_installed_without_internet(tmp_path: Path) -> None:
    wheel = own_wheel(tmp_path)
    write_notebook(tmp_path / "n.ipynb", URI, detector="whole", package=wheel)
    cells = nbformat.read(tmp_path / "n.ipynb", as_version=4).cells
    cell = next(cell.source for cell in cells if "--no-index" in cell.source)
    magic = "%pip install --quiet --no-index --find-links {wheel.parent} {wheel}"
    assert magic in cell
    # In an environment without AgeLens; pip itself is left to the test of the Space.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    code = cell.replace(magic, "print(wheel.parent, wheel)")

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        env = {"AGELENS_WHEELS": str(folder), "PATH": os.environ["PATH"]}
        command = [tmp_path / "venv" / "bin" / "python", "-c", code]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=env)

    assert run(tmp_path).stdout.split() == [str(tmp_path), str(wheel)]
    assert "attach the data set that holds" in run(tmp_path / "venv").stderr
    with pytest.raises(AgeLensError, match="is no wheel"):
        write_notebook(tmp_path / "n.ipynb", URI, detector="whole", package=tmp_path / "none.whl")


def test_a_model_that_is_not_on_kaggle_is_a_sentence(tmp_path: Path) -> None:
    for model in ("embedded", "hf://owner/agelens"):
        with pytest.raises(AgeLensError, match="loads its model from Kaggle"):
            write_notebook(tmp_path / "n.ipynb", model, detector="whole", flip=False, round_ages=False)
