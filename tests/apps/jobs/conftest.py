from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def chips(tmp_path: Path) -> Path:
    """Forty small pictures in two folders, two of them broken."""
    rng = np.random.default_rng(0)
    for number in range(40):
        path = tmp_path / "chips" / f"{number % 2}" / f"{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 255, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((90, 90), Image.Resampling.BICUBIC).save(path)
    (tmp_path / "chips" / "0" / "010.jpg").write_bytes(b"nonsense")
    (tmp_path / "chips" / "1" / "011.jpg").write_bytes(b"")
    return tmp_path / "chips"
