"""The stranger's walk, whole: each command must end as it should, and the page in docs must have the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def commands(page: Path) -> list[str]:
    return [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("$ ")]


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "models").is_dir(), reason="the walk is through a checkout")
def test_every_command_of_the_walk_does_what_the_page_says(tmp_path: Path) -> None:
    script = [sys.executable, ROOT / "benchmarks" / "walkthrough.py", "--output", tmp_path / "walk.md"]
    env = {
        **os.environ,
        "AGELENS_YUNET": str(ROOT / "tests" / "assets" / "face_detection_yunet_2026may.onnx"),
    }
    done = subprocess.run(script, check=False, capture_output=True, text=True, env=env, timeout=1200)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert commands(tmp_path / "walk.md") == commands(ROOT / "docs" / "walkthrough.md")
    page = (tmp_path / "walk.md").read_text(encoding="utf-8")
    for told in (
        "^C\nagelens: stopped in epoch",
        "the notebook has written the same",
        "is inside, as AgeLens is not on PyPI yet",
    ):
        assert told in page
