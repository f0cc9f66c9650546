from __future__ import annotations

import numpy as np
import pytest

from agelens.training.augment import LUMINANCE, AugmentConfig, augment


def smooth(side: int = 96) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side] / side
    return (np.dstack([x, y, (x + y) / 2]) * 200 + 20).astype(np.uint8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nothing_asked_for_is_a_plain_resize() -> None:
    image = smooth()
    np.testing.assert_array_equal(augment(image, 96, AugmentConfig(), rng()), image)
    assert np.abs(augment(image, 48, AugmentConfig(), rng()).astype(int) - image[::2, ::2]).max() <= 4


def test_a_flip_mirrors_exactly() -> None:
    image = rng().integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(augment(image, 32, AugmentConfig(flip=1), rng()), image[:, ::-1])


def test_the_same_generator_gives_the_same_face_and_another_another() -> None:
    config = AugmentConfig(flip=0.5, rotate=20, scale=0.2, translate=0.1, brightness=0.3, hue=0.1, erase=0.5)
    image = smooth()
    np.testing.assert_array_equal(augment(image, 64, config, rng(5)), augment(image, 64, config, rng(5)))
    assert (augment(image, 64, config, rng(5)) != augment(image, 64, config, rng(6))).any()


@pytest.mark.parametrize("seed", range(5))
def test_grey_keeps_luminance_and_loses_colour(seed: int) -> None:
    image = smooth()
    grey = augment(image, 96, AugmentConfig(grey=1), rng(seed)).astype(float)
    assert np.ptp(grey, axis=2).max() <= 1
    assert np.abs(grey[..., 0] - image @ LUMINANCE).max() <= 1


@pytest.mark.parametrize("seed", range(5))
def test_hue_turns_colours_and_keeps_luminance(seed: int) -> None:
    image = np.full((16, 16, 3), (150, 100, 100), np.uint8)
    turned = augment(image, 16, AugmentConfig(hue=0.5), rng(seed)).astype(float)
    assert turned[0, 0] @ LUMINANCE == pytest.approx(image[0, 0] @ LUMINANCE, abs=2)


def test_brightness_scales_and_contrast_keeps_the_mean() -> None:
    image = smooth()
    factors = [
        augment(image, 96, AugmentConfig(brightness=0.3), rng(s)).mean() / image.mean() for s in range(40)
    ]
    assert 0.69 < min(factors) < 0.85
    assert 1.1 < max(factors) < 1.31
    means = [augment(image, 96, AugmentConfig(contrast=0.3), rng(s)).mean() for s in range(20)]
    spreads = [augment(image, 96, AugmentConfig(contrast=0.3), rng(s)).std() / image.std() for s in range(20)]
    assert np.ptp(means) < 4
    assert max(spreads) > 1.1
    assert min(spreads) < 0.9


def test_rotation_turns_about_the_centre() -> None:
    image = np.zeros((65, 65, 3), np.uint8)
    image[30:35, 30:35] = 255
    turned = augment(image, 65, AugmentConfig(rotate=90), rng(3))
    assert turned[32, 32].tolist() == [255, 255, 255]
    assert turned.sum() == pytest.approx(image.sum(), rel=0.1)


def test_erasing_covers_between_a_fiftieth_and_a_fifth() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    shares = [(augment(image, 100, AugmentConfig(erase=1), rng(s)).max(axis=2) > 0).mean() for s in range(30)]
    assert min(shares) > 0.015
    assert max(shares) < 0.22


def test_a_cover_leaves_the_packed_face_as_it_was() -> None:
    image = smooth()
    before = image.copy()
    covered = [augment(image, 96, AugmentConfig(cover=1), rng(seed)) for seed in range(5)]
    np.testing.assert_array_equal(image, before)
    assert all((one != before).any() for one in covered)


def test_a_poor_picture_loses_detail_and_keeps_its_look() -> None:
    image = rng().integers(100, 156, (96, 96, 3), dtype=np.uint8)
    poor = [augment(image, 96, AugmentConfig(degrade=1), rng(seed)) for seed in range(30)]
    assert all(one.dtype == np.uint8 and one.shape == image.shape for one in poor)
    assert all(abs(one.mean() - image.mean()) < 3 for one in poor)
    detail = [
        np.diff(one.astype(float), axis=0).std() / np.diff(image.astype(float), axis=0).std() for one in poor
    ]
    assert np.median(detail) < 0.6
