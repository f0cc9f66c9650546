from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelens.faces.boxes import Box, area, intersection
from agelens.inference.placement import COVERED, place_labels

PICTURE = (1200.0, 900.0)

#: A label of two lines, one of one, and a number.
WORDINGS = [(150.0, 50.0), (80.0, 28.0), (30.0, 28.0)]


def scattered(count: int, seed: int, side: float = 100.0) -> list[Box]:
    """Faces that do not overlap, also cut by the picture's edges."""
    rng = np.random.default_rng(seed)
    faces: list[Box] = []
    while len(faces) < count:
        x, y = rng.uniform(-side / 3, PICTURE[0] - side / 2), rng.uniform(-side / 3, PICTURE[1] - side / 2)
        one = (x, y, x + side * rng.uniform(0.6, 1), y + side)
        if not any(intersection(one, other) for other in faces):
            faces.append(one)
    return faces


def inside(box: Box) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= PICTURE[0] and box[3] <= PICTURE[1]


@pytest.mark.parametrize("count", [1, 6, 30])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_labels_cover_no_other_face_and_no_other_label(count: int, seed: int) -> None:
    faces = scattered(count, seed)
    places = place_labels(faces, [WORDINGS] * count, PICTURE)
    for number, (face, place) in enumerate(zip(faces, places, strict=True)):
        others = [*faces[:number], *faces[number + 1 :]]
        assert inside(place.box)
        assert not any(intersection(place.box, other) for other in others)
        assert not any(intersection(place.box, other.box) for other in places if other is not place)
        assert intersection(place.box, face) <= COVERED * area(face)
        width, height = WORDINGS[place.wording]
        assert place.box[2] - place.box[0] == pytest.approx(width)
        assert place.box[3] - place.box[1] == pytest.approx(height)
    assert places[0].wording == 0  # the first has the precedence


def test_where_faces_stand_side_by_side_the_labels_are_shorter_and_lie_upon_their_own() -> None:
    columns, rows = 10, 3
    width, height = PICTURE[0] / columns, PICTURE[1] / rows
    faces = [
        (x * width, y * height, (x + 1) * width, (y + 1) * height)
        for y in range(rows)
        for x in range(columns)
    ]
    places = place_labels(faces, [WORDINGS] * len(faces), PICTURE)
    for number, place in enumerate(places):
        assert inside(place.box)
        assert place.wording > 0
        others = [*faces[:number], *faces[number + 1 :]]
        assert sum(intersection(place.box, other) for other in others) == pytest.approx(0, abs=1e-6)


def test_a_face_that_fills_the_picture_bears_its_label_whole() -> None:
    (place,) = place_labels([(0, 0, *PICTURE)], [WORDINGS], PICTURE)
    assert place.wording == 0
    assert inside(place.box)


@given(
    st.lists(
        st.tuples(st.floats(-200, 1300), st.floats(-200, 1000), st.floats(1, 600), st.floats(1, 600)),
        min_size=1,
        max_size=12,
    )
)
def test_a_label_is_inside_the_picture_wherever_the_faces_are(found: list[Box]) -> None:
    faces = [(x, y, x + width, y + height) for x, y, width, height in found]
    assert all(inside(place.box) for place in place_labels(faces, [WORDINGS] * len(faces), PICTURE))


def test_a_label_larger_than_the_picture_begins_at_its_corner() -> None:
    (place,) = place_labels([(10, 10, 30, 30)], [[(90.0, 20.0)]], (50.0, 50.0))
    assert place.box[0] == 0
