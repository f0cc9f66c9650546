from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelens.faces.boxes import Box, area, centre, intersection, iou

NUMBER = st.floats(-100, 100)
BOX = st.tuples(NUMBER, NUMBER, NUMBER, NUMBER).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


def test_a_box_has_its_area_and_its_centre() -> None:
    assert area((1, 2, 4, 7)) == 15
    assert centre((1, 2, 4, 8)) == (2.5, 5)


@pytest.mark.parametrize("box", [(4, 2, 1, 7), (1, 7, 4, 2), (4, 7, 1, 2), (1, 2, 1, 7)])
def test_an_empty_box_has_no_area(box: Box) -> None:
    assert area(box) == 0
    assert iou(box, box) == 0


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ((1, 1, 6, 5), 6),  # the lower right corner
        ((-2, -1, 2, 2), 4),
        ((1, 1, 2, 2), 1),  # inside
        ((-9, -9, 9, 9), 12),  # around
        ((4, 0, 8, 3), 0),  # touching
        ((5, 4, 6, 6), 0),  # apart in x and in y
    ],
)
def test_two_boxes_share_what_lies_in_both(other: Box, shared: float) -> None:
    box = (0, 0, 4, 3)
    assert intersection(box, other) == intersection(other, box) == shared
    assert iou(box, other) == pytest.approx(shared / (12 + area(other) - shared))


@given(BOX, BOX)
def test_the_overlap_is_a_share_and_the_same_both_ways(one: Box, other: Box) -> None:
    assert 0 <= iou(one, other) <= 1 + 1e-9
    assert iou(one, other) == iou(other, one)


@given(BOX.filter(lambda box: area(box) > 1e-3))
def test_a_box_overlaps_with_itself_whole(box: Box) -> None:
    assert iou(box, box) == pytest.approx(1)
