from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agelens.faces.images import Pixels
from agelens.training.covers import EYES, cover, glasses, held_before, mask

SIDE = 96


def face() -> Pixels:
    """A square of skin, its centre a little lighter."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    return (np.array((200, 150, 120)) * (1 - 0.3 * np.hypot(x, y))[..., None]).astype(np.uint8)


def changed(kind: Callable[[Pixels, np.random.Generator], None], seed: int) -> np.ndarray:
    """Where a cover changes the face: (SIDE, SIDE) bool."""
    covered = face()
    kind(covered, np.random.default_rng(seed))
    return np.abs(covered.astype(int) - face()).max(axis=-1) > 8


@pytest.mark.parametrize("seed", range(8))
def test_a_mask_hides_the_mouth_and_leaves_the_eyes(seed: int) -> None:
    hidden = changed(mask, seed)
    assert hidden[int(0.62 * SIDE) : int(0.75 * SIDE), int(0.4 * SIDE) : int(0.6 * SIDE)].mean() > 0.9
    assert hidden[: int(0.32 * SIDE)].mean() < 0.05


@pytest.mark.parametrize("seed", range(8))
def test_dark_glasses_hide_both_eyes_and_leave_the_mouth(seed: int) -> None:
    hidden = changed(glasses, seed)
    for x, y in EYES:
        assert hidden[int(y * SIDE), int(x * SIDE)]
    assert not hidden[int(0.55 * SIDE) :].any()


def test_what_is_held_before_a_face_hides_a_part_of_it() -> None:
    shares = [changed(held_before, seed).mean() for seed in range(40)]
    assert 0.0 < np.mean(shares) < 0.3
    assert max(shares) < 0.6


def test_half_of_the_covers_are_masks_and_a_seed_repeats_its_cover() -> None:
    over_mouth = [changed(cover, seed)[int(0.68 * SIDE), int(0.5 * SIDE)] for seed in range(60)]
    assert 20 < sum(over_mouth) < 50
    np.testing.assert_array_equal(changed(cover, 3), changed(cover, 3))
