"""The search for faces of any size and at any turn: which views of a picture a detector looks at.

One view of the whole picture comes first, as small as the smallest face that is looked for allows: a detector
sees a face of a dozen pixels, but faintly. What it is not sure of there, and what is small or very large, it
then sees closer, upright and, where that leaves a doubt, at the three other turns. A small face costs half a
millisecond so, where a view in which it is clear would cost tens. Only where nothing is certain is the whole
picture turned; and only where faces are so small that there may be smaller ones is it looked at in finer
views.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agelens.faces.boxes import area, centre, intersection
from agelens.faces.detection.base import Detection, in_picture
from agelens.faces.detection.views import View, tiles
from agelens.faces.images import Pixels

#: What a detector does: (height, width, 3) uint8 RGB as it is, and the least score -> the faces in it.
Look = Callable[[Pixels, float], list[Detection]]

#: Pixels of the picture per pixel of its first view, and of the view's longer side, at least and at most.
REDUCTION, LEAST, LARGEST = 2, 160, 640

#: Pixels of a face in a view: between these it is seen as it is; what is smaller or larger is seen closer.
CLEAR = (40.0, 360.0)

#: Pixels of a face that is seen closer, and of its sides that are seen with it. A face that has more than
#: twice as many is seen again at the larger size, at which what is out of focus looks so.
CLOSE, SHARP, AROUND = 56.0, 160.0, 2.4

#: What is seen closer at a scale: at most; of what is no more than faint; and at other turns.
MOST, MOST_FAINT, MOST_TURNED = 200, 48, 24

#: Scores: from which something is seen closer; at other turns too; from which a face needs no closer look;
#: and from which a picture needs no turning.
FAINT, PLAIN, SURE, CERTAIN = 0.12, 0.3, 0.85, 0.9

#: A face of fewer pixels in a view may have smaller ones beside it.
SMALL = 32.0

#: Pixels of the finer views together, and their scale at most.
FINER, LARGER = 2_500_000, 1.25

#: Pixels of a view's side at most; a larger view is made of parts, which share so many with their neighbours.
TILE, SHARED = 640, 128

#: Faces of more intersection over union are one; so are those that lie in one that is turned otherwise.
OVERLAP, WITHIN = 0.3, 0.7


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a picture is searched.

    Attributes:
        side: pixels of the longer side of the first view; None by the picture's size.
        tiles: how many overlapping parts the picture is also looked at in, across its longer side, each as
            large as the first view; None by what the first view shows.
        turns: whether faces that lie on their side or stand on their head are looked for.
    """

    side: int | None = None
    tiles: int | None = None
    turns: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: a side under 32 pixels or over 4,096, or tiles under 1 or over 64.
        """
        if self.side is not None and not 32 <= self.side <= 4096:
            raise ValueError(f"the detection side must be 32 to 4096 pixels, not {self.side}")
        if self.tiles is not None and not 1 <= self.tiles <= 64:
            raise ValueError(f"tiles must be 1 to 64, not {self.tiles}")


class Search:
    """A search for faces by a detector's looks."""

    def __init__(self, look: Look, threshold: float, options: SearchOptions = SearchOptions()) -> None:
        """Search with ``look``; a face counts as found from the score ``threshold``, 0..1."""
        self._look, self._threshold, self._options = look, threshold, options

    def faces(self, pixels: Pixels) -> list[Detection]:
        """The faces of a (height, width, 3) uint8 RGB picture, the largest first."""
        first = self._first_scale(max(pixels.shape))
        faces = self._at_turn(pixels, 0, first)
        for turn in self._other_turns(faces):
            faces = with_others(faces, self._at_turn(pixels, turn, first))
        finer = self._finer_scale(first, pixels)
        if finer is not None and self._may_be_smaller(faces, first):
            faces = self._refined(pixels, faces, finer)
        return in_picture(faces, pixels)

    def _other_turns(self, faces: list[Detection]) -> Sequence[int]:
        """The turns at which the picture may show more than upright."""
        if not self._options.turns:
            return ()
        if not _is_certain(faces):
            return (1, 2, 3)
        return sorted({face.turn for face in faces if face.score >= SURE} - {0})

    def _refined(self, pixels: Pixels, faces: list[Detection], scale: float) -> list[Detection]:
        """The faces, and those of finer views: at the turn of the surest, or at all where none is certain."""
        looked: set[int] = set()
        while len(looked) < (4 if self._options.turns else 1):
            certain = _is_certain(faces)
            turn = _surest(faces).turn if certain else len(looked)
            if turn in looked:
                break
            faces = with_others(faces, self._at_turn(pixels, turn, scale))
            looked.add(turn)
        return faces

    def _at_turn(self, pixels: Pixels, turn: int, scale: float) -> list[Detection]:
        """The faces seen after quarter turns, counter-clockwise, in pixels of the picture as it is."""
        turned = np.ascontiguousarray(np.rot90(pixels, turn))
        height, width = turned.shape[:2]
        seen, most = [], max(TILE, self._options.side or 0)
        for x0, y0, x1, y1 in tiles(width, height, math.ceil(most / scale), math.ceil(SHARED / scale)):
            seen += [face.moved(x0, y0) for face in self._seen(turned[y0:y1, x0:x1], scale)]
        seen = distinct(seen)
        plain = sum(face.score >= PLAIN for face in seen)
        worth = seen[: min(MOST, max(plain, MOST_FAINT))]
        faces = self._confirmed(turned, worth, scale, turns=self._options.turns and turn == 0)
        return [face.turned_back(turn, *pixels.shape[1::-1]) for face in faces]

    def _first_scale(self, longer: int) -> float:
        if self._options.side is not None:
            return min(1.0, self._options.side / longer)
        return min(1.0, max(LEAST / longer, min(1 / REDUCTION, LARGEST / longer)))

    def _may_be_smaller(self, faces: list[Detection], first: float) -> bool:
        if self._options.tiles is not None or self._options.side is not None:
            return self._options.tiles is not None
        return not faces or min(face.side for face in faces) * first < SMALL

    def _finer_scale(self, first: float, pixels: Pixels) -> float | None:
        """The scale of the finer views; None where they would show no more than the first."""
        if self._options.tiles is not None:
            finer = min(1.0, first * self._options.tiles)
        else:
            finer = min(LARGER, math.sqrt(FINER / (pixels.shape[0] * pixels.shape[1])))
        return finer if finer > 1.2 * first else None

    def _seen(self, pixels: Pixels, scale: float) -> list[Detection]:
        """What may be a face in a view of this scale, in pixels of the picture."""
        view = View(pixels, scale, max(8, round(max(pixels.shape[:2]) * scale / 16)))
        return [view.in_picture(face) for face in self._look(view.pixels, FAINT)]

    def _confirmed(
        self, pixels: Pixels, faces: list[Detection], scale: float, *, turns: bool
    ) -> list[Detection]:
        """Those of them that are faces, seen closer where the view has not shown them clearly."""
        confirmed = []
        for number, face in enumerate(faces):
            clear = CLEAR[0] <= face.side * scale <= CLEAR[1]
            if clear and face.score >= SURE:
                best: Detection | None = face
            else:
                best = self._closer(pixels, face, turns=turns and number < MOST_TURNED)
            if best is not None and best.score >= (SURE if best.turn else self._threshold):
                confirmed.append(best)
        return distinct(confirmed)

    def _closer(self, pixels: Pixels, face: Detection, *, turns: bool) -> Detection | None:
        """A face as it is seen closer, at the turn that suits it best; None where there is none."""
        best = self._at_close_range(pixels, face, (0,))
        score = 0.0 if best is None else best.score
        if turns and score < SURE and max(score, face.score) >= PLAIN:
            turned = self._at_close_range(pixels, face, (1, 2, 3))
            best = turned if turned is not None and turned.score > score else best
        if best is not None and best.score >= self._threshold and best.side > 2 * CLOSE:
            return self._at_close_range(pixels, best, (best.turn,), SHARP)
        return best

    def _at_close_range(
        self, pixels: Pixels, face: Detection, turns: Sequence[int], size: float = CLOSE
    ) -> Detection | None:
        """The surest face that is found in the place of this one at one of these turns."""
        x, y = centre(face.box)
        reach = AROUND * face.side / 2
        left, top = round(max(0.0, x - reach)), round(max(0.0, y - reach))
        part = pixels[top : round(y + reach), left : round(x + reach)]
        if min(part.shape[:2]) < 2:
            return None
        view = View(part, size / face.side, 8)
        best = None
        for turn in turns:
            for seen in self._look(np.ascontiguousarray(np.rot90(view.pixels, turn)), FAINT):
                upright = seen.turned_back(turn, *view.pixels.shape[1::-1])
                one = view.in_picture(upright).moved(left, top)
                off = math.dist(centre(one.box), (x, y))
                same = off < face.side / 2 and 0.5 < one.side / face.side < 2
                if same and (best is None or one.score > best.score):
                    best = one
        return best


def _is_certain(faces: Sequence[Detection]) -> bool:
    return bool(faces) and _surest(faces).score >= CERTAIN


def _surest(faces: Sequence[Detection]) -> Detection:
    return max(faces, key=lambda face: face.score)


def distinct(faces: Sequence[Detection]) -> list[Detection]:
    """The best of those that overlap (non-maximum suppression), the surest first.

    What lies within a face and is turned otherwise is a part of it.
    """
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        if not any(_is_same(face, other) for other in kept):
            kept.append(face)
    return kept


def with_others(faces: Sequence[Detection], found: Sequence[Detection]) -> list[Detection]:
    """Faces and those found after them; what is found again is as it was, unless it is surer at another turn.

    So the answer for a face does not depend on who else is in the picture.
    """
    every = list(faces)
    for face in found:
        same = [other for other in every if _is_same(face, other)]
        if all(face.turn != other.turn and face.score > other.score for other in same):
            every = [other for other in every if other not in same] + [face]
    return every


def _is_same(face: Detection, other: Detection) -> bool:
    shared = intersection(face.box, other.box)
    inside = face.turn != other.turn and shared > WITHIN * min(area(face.box), area(other.box))
    return inside or shared > OVERLAP * (area(face.box) + area(other.box) - shared)


def bytes_to_detect(pixels: Pixels) -> float:
    """What the search of a picture takes at most: a turned copy, and what YuNet needs for a view, bytes."""
    height, width = pixels.shape[:2]
    scale = min(1.0, TILE / max(height, width)) * 9 / 8
    return pixels.nbytes + 56 * (height * scale + 32) * (width * scale + 32)
