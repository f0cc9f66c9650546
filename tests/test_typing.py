"""The types of the public interface, as a program sees them that has the package installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import agelens

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "typed.py"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the package and what it needs."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    parts = [Path(agelens.__file__).parents[1], sysconfig.get_path("purelib")]
    (packages / "installed.pth").write_text("".join(f"{part}\n" for part in parts))
    return folder / "bin" / "python"


def mypy(python: Path, program: Path, cache: Path) -> str:
    """What ``mypy --strict`` says of a program."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--python-executable={python}"]
    command += ["--disallow-any-expr", "--cache-dir", str(cache), str(program)]
    environment = {name: value for name, value in os.environ.items() if name != "MYPYPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=program.parent, env=environment
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_public_interface_is_typed_and_lets_no_any_through(installed: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(EXAMPLE.read_text())
    assert "Success: no issues found in 1 source file" in mypy(installed, program, tmp_path / "cache")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import agelens\n"
        "agelens.nonsense\n"
        "face = agelens.predict('photo.jpg')[0]\n"
        "face.age + 1\n"
        "agelens.AnswerOptions(level='high')\n"
    )
    told = mypy(installed, wrong, tmp_path / "cache")
    assert 'Module has no attribute "nonsense"' in told
    assert 'Unsupported operand types for + ("None" and "int")' in told
    assert 'incompatible type "str"; expected "float"' in told


def test_the_typed_example_runs(astronaut: Path) -> None:
    done = subprocess.run([sys.executable, EXAMPLE, astronaut], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("astronaut.jpg ")
    assert "female" in done.stdout
