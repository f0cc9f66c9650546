"""The example notebooks run from their first cell to their last, and are committed with what they show."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

#: What is made smaller for a test: the notebook shows the same, less well.
SMALLER = {
    "2-train-on-your-own-faces": {'write_faces(work / "photos", 500)': 500, '"epochs": 20': 20},
    "3-audit-a-model": {"write_faces(work, 240)": 240},
}


def test_there_are_three() -> None:
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3"]


@pytest.fixture
def programs(tmp_path: Path, yunet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of somebody who has the package, its command, and YuNet's file."""
    command = tmp_path / "bin" / "agelens"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom agelens.cli.main import main\nmain()\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(command.parent), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for text, figure in SMALLER.get(path.stem, {}).items():
        (cell,) = (cell for cell in notebook.cells if text in cell.source)
        cell.source = cell.source.replace(text, text.replace(str(figure), "60" if figure > 100 else "1"))
    kernel = {"kernel_name": "python3", "resources": {"metadata": {"path": str(FOLDER)}}}
    NotebookClient(notebook, timeout=600, **kernel).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in shown)
    commands = [output.text for output in shown if output.output_type == "stream"]
    assert not any("agelens: error" in text or "Traceback" in text for text in commands)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_small_whole_and_with_its_pictures(path: Path) -> None:
    assert path.stat().st_size < 300_000
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    shown = [output for cell in code for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert not any(output.output_type == "error" for output in shown)
    assert "/work/" not in path.read_text()  # of the machine that it was run on
    assert "/tmp/" not in path.read_text()
