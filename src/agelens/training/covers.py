"""What hides a face in the street, painted on aligned faces: masks, dark glasses, something held before it.

Training that has met covered faces answers them with wider distributions instead of confident nonsense. The
places are those of the crop convention (``faces.crop``), so only aligned faces can be covered so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.faces.images import Pixels

#: Where a surgical mask's outline runs, in shares of an aligned face's side: over the nose, along the jaw.
MASK_OUTLINE = (
    (0.13, 0.46),
    (0.32, 0.44),
    (0.48, 0.38),
    (0.66, 0.44),
    (0.86, 0.46),
    (0.83, 0.72),
    (0.68, 0.93),
    (0.48, 0.99),
    (0.30, 0.93),
    (0.16, 0.72),
)

#: The centres of the eyes in the crop convention, in shares of the side.
EYES = ((0.299, 0.284), (0.688, 0.290))

#: RGB of the cloth that masks are most often made of: surgical blue, white, black, grey, green.
CLOTHS = ((120, 170, 205), (235, 238, 240), (25, 25, 28), (128, 128, 130), (130, 180, 165))

#: Points on a curve are given to OpenCV in sixteenths of a pixel.
_SHIFT = 4


def cover(pixels: Pixels, rng: np.random.Generator) -> None:
    """Hide a part of an aligned (S, S, 3) uint8 RGB face, in place: half of the covers are masks."""
    kinds: tuple[Callable[[Pixels, np.random.Generator], None], ...] = (mask, mask, glasses, held_before)
    kinds[int(rng.integers(len(kinds)))](pixels, rng)


def mask(pixels: Pixels, rng: np.random.Generator) -> None:
    """A mask over mouth and nose, in place; now and then one worn under the nose."""
    side = pixels.shape[0]
    outline = np.array(MASK_OUTLINE) + rng.uniform(-0.025, 0.025, (len(MASK_OUTLINE), 2))
    outline += rng.uniform(-0.03, 0.03, 2)
    if rng.random() < 0.15:
        outline[:5, 1] += rng.uniform(0.08, 0.16)
    colour = np.array(CLOTHS[int(rng.integers(len(CLOTHS)))], dtype=np.float64)
    if rng.random() < 0.25:
        colour = rng.uniform(0, 255, 3)
    cloth = _shaded(side, colour, rng)
    for fold in rng.uniform(0.5, 0.9, int(rng.integers(0, 4))):
        sag = rng.uniform(0.0, 0.06)
        line = [(0.15, fold), (0.48, fold + sag), (0.85, fold)]
        shade = tuple(float(value) for value in colour * rng.uniform(0.7, 0.95))
        cv2.polylines(cloth, [_points(line, side)], False, shade, 1, cv2.LINE_AA, _SHIFT)
    _paste(pixels, cloth, _polygon(outline, side))


def glasses(pixels: Pixels, rng: np.random.Generator) -> None:
    """Dark glasses over both eyes, in place; the darkest let nothing through."""
    side = pixels.shape[0]
    shape = np.zeros((side, side), dtype=np.uint8)
    radii = rng.uniform((0.11, 0.08), (0.19, 0.15))
    drop = rng.uniform(-0.01, 0.04)
    for x, y in EYES:
        centre = _points([(x, y + drop)], side)[0]
        size = tuple(int(value * side * (1 << _SHIFT)) for value in radii)
        cv2.ellipse(shape, centre, size, 0, 0, 360, 255, -1, cv2.LINE_AA, _SHIFT)
    bridge = _points([(EYES[0][0], EYES[0][1]), (EYES[1][0], EYES[1][1])], side)
    cv2.line(shape, bridge[0], bridge[1], 255, max(1, side // 40), cv2.LINE_AA, _SHIFT)
    opacity = rng.uniform(0.7, 1.0)
    tint = rng.uniform(0, 60, 3)
    _paste(pixels, _shaded(side, tint, rng), shape * (opacity / 255.0))


def held_before(pixels: Pixels, rng: np.random.Generator) -> None:
    """A hand, hair, a telephone: a blob or a bar of a fifth of the face at most, in place."""
    side = pixels.shape[0]
    shape = np.zeros((side, side), dtype=np.uint8)
    centre = tuple(float(value) for value in rng.uniform(0.05, 0.95, 2) * side)
    size = tuple(float(value) for value in rng.uniform(0.15, 0.55, 2) * side)
    turn = float(rng.uniform(0, 180))
    if rng.random() < 0.6:
        cv2.ellipse(shape, (centre, size, turn), 255, -1, cv2.LINE_AA)
    else:
        corners = cv2.boxPoints((centre, size, turn))
        cv2.fillConvexPoly(shape, np.rint(corners).astype(np.int32), 255, cv2.LINE_AA)
    # Half of what is held before a face is skin of the same colour.
    skin = pixels[int(0.35 * side) : int(0.6 * side), int(0.3 * side) : int(0.7 * side)].mean(axis=(0, 1))
    colour = skin * rng.uniform(0.7, 1.15) if rng.random() < 0.5 else rng.uniform(0, 255, 3)
    _paste(pixels, _shaded(side, colour, rng), shape / 255.0)


def _polygon(outline: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    shape = np.zeros((side, side), dtype=np.uint8)
    cv2.fillPoly(shape, [_points(outline, side)], 255, cv2.LINE_AA, _SHIFT)
    return shape / 255.0


def _points(shares: object, side: int) -> NDArray[np.int32]:
    return np.rint(np.asarray(shares) * side * (1 << _SHIFT)).astype(np.int32)


def _shaded(side: int, colour: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A square of one colour under uneven light: (S, S, 3) uint8."""
    light = cv2.resize(rng.normal(1.0, 0.12, (3, 3)), (side, side), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0.0, 4.0, (side, side, 1))
    return np.clip(colour * light[..., None] + noise, 0, 255).astype(np.uint8)


def _paste(pixels: Pixels, over: NDArray[np.uint8], opacity: NDArray[np.floating[Any]]) -> None:
    weight = opacity[..., None]
    pixels[:] = np.rint(over * weight + pixels * (1 - weight)).astype(np.uint8)
