from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import agelens
from agelens.faces.boxes import iou
from agelens.faces.detection.base import Detection
from agelens.faces.detection.search import (
    FAINT,
    Search,
    SearchOptions,
    bytes_to_detect,
    distinct,
)
from agelens.faces.detection.yunet import YuNet
from agelens.faces.images import Pixels, open_image


class Watched:
    """A look that notes the size of each view, and finds what it is told to."""

    def __init__(self, find: Callable[[Pixels], list[Detection]] = lambda pixels: []) -> None:
        self.views: list[tuple[int, int]] = []
        self._find = find

    def __call__(self, pixels: Pixels, threshold: float) -> list[Detection]:
        assert threshold == FAINT
        assert pixels.flags.c_contiguous
        self.views.append(pixels.shape[:2])
        return self._find(pixels)


def _white_square(pixels: Pixels, score: float = 0.95) -> list[Detection]:
    """A detector of white squares, that is sure of what it sees."""
    rows, columns = np.nonzero(pixels.min(axis=2) > 200)
    if not len(rows):
        return []
    box = float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1
    return [Detection(box, score)]


def _picture(height: int, width: int, side: int, x: int, y: int) -> Pixels:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[y : y + side, x : x + side] = 255
    return pixels


def test_one_view_is_enough_for_a_face_that_is_clear_in_it() -> None:
    look = Watched(_white_square)
    (face,) = Search(look, 0.7).faces(_picture(480, 640, 140, 200, 100))
    assert face.box == pytest.approx((200, 100, 340, 240), abs=2)
    assert face.turn == 0
    assert len(look.views) == 1
    assert max(look.views[0]) < 640 / 1.75 * 1.2


def test_a_small_face_is_seen_closer_and_where_it_is() -> None:
    look = Watched(_white_square)
    (face,) = Search(look, 0.7).faces(_picture(480, 640, 30, 401, 203))
    assert face.box == pytest.approx((401, 203, 431, 233), abs=0.7)
    first, closer, *finer = look.views
    assert max(closer) < 170
    assert max(map(max, finer)) > 1.5 * max(first)  # beside a small face there may be smaller ones


def test_where_nothing_is_certain_the_picture_is_turned() -> None:
    look = Watched()
    assert Search(look, 0.7).faces(_picture(300, 400, 0, 0, 0)) == []
    tall = [height > width for height, width in look.views]
    assert tall == 2 * [False, True, False, True]  # and again, for smaller faces
    upright = Watched()
    assert Search(upright, 0.7, SearchOptions(turns=False)).faces(_picture(300, 400, 0, 0, 0)) == []
    assert len(upright.views) == 2


def test_a_face_is_where_it_is_at_each_turn() -> None:
    """A mark at the top of the square says which way is up: only there is the look sure."""

    def marked(pixels: Pixels, threshold: float) -> list[Detection]:
        found = _white_square(pixels, 0.5)
        for face in found:
            x0, y0, x1, y1 = (round(value) for value in face.box)
            red = (pixels[y0:y1, x0:x1, 1] > 250) & (pixels[y0:y1, x0:x1, 2] < 230)
            rows = np.nonzero(red)[0]
            if len(rows) and rows.mean() < (y1 - y0) / 4:
                eyes = np.array([[x0, y0], [x1, y0]], float)
                return [Detection(face.box, 0.95, eyes)]
        return found

    upright = _picture(300, 400, 120, 90, 60)
    upright[62:76, 92:208, 2] = 210
    for turn in range(4):
        pixels = np.ascontiguousarray(np.rot90(upright, -turn))
        (face,) = Search(marked, 0.7).faces(pixels)
        assert face.turn == turn
        x0, y0, x1, y1 = (round(value) for value in face.box)
        inside = pixels[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
        assert inside[..., 0].min() > 200
        assert abs(x1 - x0 - 120) <= 2
        assert face.landmarks is not None
        right, left = face.landmarks
        # The line between the eyes points right, turned clockwise with the face.
        assert np.degrees(np.arctan2(*(left - right)[::-1])) % 360 == pytest.approx(90 * turn, abs=1)


def test_only_where_faces_are_small_are_there_finer_views() -> None:
    def views(side: int) -> int:
        look = Watched(_white_square)
        Search(look, 0.7, SearchOptions(turns=False)).faces(_picture(1500, 2000, side, 900, 700))
        return len([view for view in look.views if max(view) > 200])

    assert views(300) == 1
    assert views(40) > 1
    assert views(0) > 1  # nothing was found


def test_the_side_and_the_tiles_can_be_chosen() -> None:
    look = Watched()
    Search(look, 0.7, SearchOptions(side=320, turns=False)).faces(_picture(1500, 2000, 0, 0, 0))
    assert [max(view) for view in look.views] == [320 + 2 * 20]
    look = Watched(_white_square)  # a chosen view is looked at whole, so that no face in it is cut
    (face,) = Search(look, 0.7, SearchOptions(side=1400)).faces(_picture(1500, 2000, 300, 850, 600))
    assert face.box == pytest.approx((850, 600, 1150, 900), abs=2)
    assert [max(view) for view in look.views] == [1400 + 2 * 88]
    look = Watched()
    options = SearchOptions(side=500, tiles=3, turns=False)
    Search(look, 0.7, options).faces(_picture(1500, 2000, 0, 0, 0))
    assert len(look.views) == 1 + 3 * 2  # 1,500 × 1,125 pixels, in views of at most 640
    for wrong in ({"side": 16}, {"side": 9999}, {"tiles": 0}, {"tiles": 100}):
        with pytest.raises(ValueError, match="must be"):
            SearchOptions(**wrong)


def test_of_faces_that_overlap_the_surest_stays() -> None:
    faces = [
        Detection((0, 0, 10, 10), 0.7),
        Detection((1, 1, 11, 11), 0.9),
        Detection((20, 0, 30, 10), 0.8),
    ]
    assert distinct(faces) == [faces[1], faces[2]]
    assert distinct([]) == []


def test_a_larger_picture_takes_more_to_search_up_to_a_view() -> None:
    pixels = [np.zeros((side, side, 3), np.uint8) for side in (160, 640, 2048)]
    small, large, huge = (bytes_to_detect(one) - one.nbytes for one in pixels)
    assert small < large / 8
    assert large == huge


def _turned(photo: Path, turn: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(open_image(photo).pixels, -turn))


def test_turned_photos_are_answered_as_upright_ones(photos: Path, astronaut: Path, yunet: Path) -> None:
    predictor = agelens.load("embedded", "yunet", yunet=yunet)
    years, same, faces = [], 0, 0
    for photo in [*sorted(photos.glob("*.jpg")), astronaut]:
        upright = predictor.predict(_turned(photo, 0))
        assert all(face.turn == 0 for face in upright)
        for turn in (1, 2, 3):
            pixels = _turned(photo, turn)
            answers = predictor.predict(pixels)
            for face in upright:
                whole = Detection(face.box, 1.0).turned_back(turn, *pixels.shape[1::-1])
                other = max(answers, key=lambda one: iou(one.box, whole.box))
                assert iou(other.box, whole.box) > 0.5, (photo, turn)
                assert other.turn == 90 * turn
                assert face.age is not None
                assert other.age is not None
                years.append(abs(face.age - other.age))
                same += face.gender == other.gender
                faces += 1
    assert faces >= 30
    assert np.mean(years) < 2
    assert same >= 0.95 * faces


def test_a_face_that_fills_a_large_picture_is_found(astronaut: Path, yunet: Path) -> None:
    face = open_image(astronaut).pixels[50:200, 165:295]
    large = cv2.resize(face, None, fx=16, fy=16, interpolation=cv2.INTER_CUBIC)
    found = YuNet(yunet).detect(large)
    assert len(found) == 1
    assert found[0].side > 1500


def test_small_faces_in_a_wide_picture_are_found(astronaut: Path, yunet: Path, tmp_path: Path) -> None:
    face = open_image(astronaut).pixels[20:250, 120:340]
    panorama = np.full((1500, 12000, 3), 128, np.uint8)
    for number in range(12):
        x, y = 300 + 960 * number, 200 + 83 * number
        panorama[y : y + 230, x : x + 220] = face
    path = tmp_path / "panorama.png"
    cv2.imwrite(str(path), cv2.cvtColor(panorama, cv2.COLOR_RGB2BGR))
    assert len(agelens.load("embedded", "yunet", yunet=yunet).predict(path)) == 12
