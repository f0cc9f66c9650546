"""Where labels go in a picture: inside it, at their own face, over no other face and no other label.

Each face brings several wordings of its label, the longest first. The longest that has room is taken, beside
its face if it can be and else upon it, where it may cover a part of that face alone. Where faces stand too
close even for the shortest, that one goes where it covers least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agelens.faces.boxes import Box, area, intersection

#: Width and height, pixels.
Size = tuple[float, float]

#: Share of its own face that a label may cover where there is no room beside it.
COVERED = 0.3

#: Places along a side of a face that are tried, from the one corner to the other.
_ALONG = (0.0, 1.0, 0.5, 0.25, 0.75)


class Place(NamedTuple):
    """Where a label stands, and the position of its wording among those of its face."""

    box: Box
    wording: int


def place_labels(faces: Sequence[Box], wordings: Sequence[Sequence[Size]], picture: Size) -> list[Place]:
    """A place for the label of each of n faces, in their order, which is that of precedence.

    Args:
        faces: pixels of the picture; they may reach over its edge.
        wordings: of each face the sizes of its label, the longest wording first; one at least.
        picture: its size. A label that is larger covers it from the upper left corner on.
    """
    placed: list[Place] = []
    for number, sizes in enumerate(wordings):
        others = [*faces[:number], *faces[number + 1 :], *(place.box for place in placed)]
        placed.append(_place(faces[number], sizes, picture, others))
    return placed


def _place(face: Box, sizes: Sequence[Size], picture: Size, others: Sequence[Box]) -> Place:
    def cost(place: Place) -> tuple[float, float]:
        """Square pixels of others and of the face itself that are covered."""
        return sum(intersection(place.box, other) for other in others), intersection(place.box, face)

    tried = [
        Place(_within(picture, corner, size), wording)
        for wording, size in enumerate(sizes)
        for corner in _corners(face, size)
    ]
    costs = [cost(place) for place in tried]
    for place, (of_others, of_own) in zip(tried, costs, strict=True):
        if of_others == 0 and of_own <= COVERED * area(face):
            return place
    shortest = len(tried) // len(sizes)
    return min(zip(tried[-shortest:], costs[-shortest:], strict=True), key=lambda pair: pair[1])[0]


def _corners(face: Box, size: Size) -> Iterator[tuple[float, float]]:
    """Upper left corners of a label that touches a face: above it, below, right, left; then upon it."""
    x0, y0, x1, y1 = face
    width, height = size
    across = [x0 + share * (x1 - width - x0) for share in _ALONG]
    down = [y0 + share * (y1 - height - y0) for share in _ALONG]
    for y in (y0 - height, y1):
        yield from ((x, y) for x in across)
    for x in (x1, x0 - width):
        yield from ((x, y) for y in down)
    for y in (y1 - height, y0):
        yield from ((x, y) for x in across)


def _within(picture: Size, corner: tuple[float, float], size: Size) -> Box:
    """The label's box, moved into the picture."""
    x, y = (
        min(max(0.0, at), max(0.0, most - long)) for at, most, long in zip(corner, picture, size, strict=True)
    )
    return x, y, x + size[0], y + size[1]
