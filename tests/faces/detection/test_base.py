from __future__ import annotations

import numpy as np
import pytest

from agelens.faces.detection.base import View, WholeImage


def test_the_whole_image_is_one_face() -> None:
    (found,) = WholeImage().detect(np.zeros((40, 60, 3), np.uint8))
    assert found.box == (0, 0, 60, 40)
    assert found.side == pytest.approx(np.sqrt(2400))


@pytest.mark.parametrize(("height", "width"), [(512, 512), (300, 40), (3000, 2000)])
def test_a_view_leads_back_to_the_picture(height: int, width: int) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    y, x = height * 3 // 4, width // 3
    reach = max(3, max(height, width) // 300)  # a dot that survives the reduction
    pixels[y - reach : y + reach, x - reach : x + reach] = 255
    view = View(pixels)
    assert max(view.pixels.shape) <= 1024 * 1.25
    rows, columns = np.nonzero(view.pixels[..., 0] > 127)
    centre = np.array([[columns.mean() + 0.5, rows.mean() + 0.5]])
    np.testing.assert_allclose(view.to_picture(centre), [[x, y]], atol=2)
