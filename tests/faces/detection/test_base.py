from __future__ import annotations

import numpy as np
import pytest

from agelens.faces.detection.base import Detection, WholeImage, in_picture


def test_the_whole_image_is_one_face() -> None:
    (found,) = WholeImage().detect(np.zeros((40, 60, 3), np.uint8))
    assert found.box == (0, 0, 60, 40)
    assert found.side == pytest.approx(np.sqrt(2400))


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ((-9, 10, 11, 30), True),  # centre at x = 1
        ((-11, 10, 9, 30), False),  # x = -1
        ((-10, 10, 10, 30), True),  # x = 0, the first column
        ((50, 10, 70, 30), False),  # x = 60, past the last column
        ((49, 10, 69, 30), True),
        ((10, -11, 30, 9), False),
        ((10, -10, 30, 10), True),
        ((10, 30, 30, 50), False),
        ((10, 29, 30, 49), True),
    ],
)
def test_a_face_whose_centre_lies_outside_the_picture_is_left_out(
    box: tuple[float, float, float, float], kept: bool
) -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    assert (in_picture([Detection(box, 1.0)], picture) != []) == kept


def test_the_largest_face_comes_first() -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    boxes = [(0, 0, 10, 10), (10, 0, 40, 5), (20, 20, 30, 32)]  # areas of 100, 150, 120
    found = in_picture([Detection(box, 1.0) for box in boxes], picture)
    assert [face.box for face in found] == [boxes[1], boxes[2], boxes[0]]


def test_a_face_is_moved_with_its_landmarks() -> None:
    face = Detection((1.0, 2.0, 3.0, 5.0), 0.9, np.array([[1.0, 2.0], [3.0, 4.0]]))
    moved = face.moved(10, -1, scale=2)
    assert moved.box == (12, 3, 16, 9)
    assert moved.score == 0.9
    assert moved.landmarks is not None
    assert moved.landmarks.tolist() == [[12, 3], [16, 7]]
    assert Detection((0.0, 0.0, 1.0, 1.0), 1.0).moved(1).landmarks is None


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 4])
def test_a_face_is_turned_back_with_the_picture(turns: int) -> None:
    upright = np.zeros((40, 60), np.uint8)
    upright[5:15, 20:28] = 1
    upright[5, 20] = 2
    turned = np.rot90(upright, turns)
    rows, columns = np.nonzero(turned)
    corner = np.argwhere(turned == 2)[0][::-1] + 0.5
    box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    face = Detection(box, 0.9, np.array([corner])).turned_back(turns, 60, 40)
    assert face.box == (20, 5, 28, 15)
    assert face.landmarks is not None
    assert face.landmarks.tolist() == [[20.5, 5.5]]
    assert face.turn == turns % 4
