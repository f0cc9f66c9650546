"""Small manifests whose pictures are told apart easily, and copies of one of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.data.manifest import Manifest
from agelens.labels import Sample


def picture(path: Path, seed: int, side: int = 80) -> None:
    """A picture of its own: squares with sharp edges."""
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((side, side), Image.Resampling.NEAREST).save(path)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Manifest]:
    """Makes a manifest: names that begin with ``copy`` are copies of ``a.png``, ``tiny`` ones are small."""

    def make(*samples: Sample) -> Manifest:
        for sample in samples:
            name = sample.image
            if name.startswith("copy"):
                shutil.copyfile(tmp_path / "a.png", tmp_path / name)
            elif not (tmp_path / name).exists():
                picture(tmp_path / name, seed=sum(name.encode()), side=30 if "tiny" in name else 80)
        return Manifest(samples, tmp_path)

    return make
