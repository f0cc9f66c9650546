from __future__ import annotations

import numpy as np
import pytest

from agelens.faces.detection.base import Detection
from agelens.faces.detection.views import View, tiles


@pytest.mark.parametrize(
    ("height", "width", "scale", "border"),
    [(512, 512, 1.0, 0), (300, 40, 0.4, 9), (3000, 2000, 0.2, 60), (60, 90, 2.5, 8)],
)
def test_a_view_leads_back_to_the_picture(height: int, width: int, scale: float, border: int) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    y, x = height * 3 // 4, width // 3
    reach = max(3, round(2 / scale))  # a dot that survives the reduction
    pixels[y - reach : y + reach, x - reach : x + reach] = 255
    view = View(pixels, scale, border)
    assert view.pixels.shape[:2] == (round(height * scale) + 2 * border, round(width * scale) + 2 * border)
    rows, columns = np.nonzero(view.pixels[..., 0] > 127)
    centre = np.array([[columns.mean() + 0.5, rows.mean() + 0.5]])
    np.testing.assert_allclose(view.to_picture(centre), [[x, y]], atol=0.6 / scale)
    seen = Detection((border, border, border + width * scale, border + height * scale), 0.9, centre, turn=2)
    face = view.in_picture(seen)
    assert face.box == pytest.approx((0, 0, width, height), abs=1 / scale)
    assert face.landmarks is not None
    np.testing.assert_allclose(face.landmarks, [[x, y]], atol=0.6 / scale)
    assert (face.score, face.turn) == (0.9, 2)


@pytest.mark.parametrize(("width", "height"), [(100, 50), (1000, 300), (1001, 2500)])
def test_tiles_cover_a_picture_and_overlap(width: int, height: int) -> None:
    covered = np.zeros((height, width), int)
    parts = tiles(width, height, 400, 60)
    for x0, y0, x1, y1 in parts:
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert max(x1 - x0, y1 - y0) <= 400
        covered[y0:y1, x0:x1] += 1
    assert covered.min() == 1
    # A face of 60 pixels lies whole in one of them, wherever it is.
    for x in range(0, width - 60, 13):
        for y in range(0, max(1, height - 60), 17):
            assert any(x0 <= x and x + 60 <= x1 and y0 <= y and y + 50 <= y1 for x0, y0, x1, y1 in parts)
