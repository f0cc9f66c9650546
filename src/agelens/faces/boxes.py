"""Boxes in a picture: x0, y0, x1, y1 in pixels, the upper left corner and the lower right."""

from __future__ import annotations

Box = tuple[float, float, float, float]


def area(box: Box) -> float:
    """The area, square pixels; 0 where the box is empty."""
    x0, y0, x1, y1 = box
    return max(0.0, x1 - x0) * max(0.0, y1 - y0)


def centre(box: Box) -> tuple[float, float]:
    """The middle, x and y."""
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2


def intersection(one: Box, other: Box) -> float:
    """The area that two boxes share, square pixels."""
    return area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))


def iou(one: Box, other: Box) -> float:
    """Intersection over union, 0..1; 0 where both boxes are empty."""
    shared = intersection(one, other)
    union = area(one) + area(other) - shared
    return shared / union if union > 0 else 0.0
