from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agelens.faces.boxes import iou
from agelens.faces.detection.haar import Haar
from agelens.faces.images import open_image


def test_haar_finds_the_astronaut_with_her_eyes_and_nothing_else(astronaut: Path) -> None:
    (found,) = Haar().detect(open_image(astronaut).pixels)
    assert iou(found.box, (170, 65, 275, 180)) > 0.6
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, [[201, 102], [246, 103]], atol=10)


@pytest.mark.parametrize("seed", range(3))
def test_noise_holds_no_face(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert Haar().detect(noise) == []
