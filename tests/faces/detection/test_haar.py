from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from agelens.faces.boxes import iou
from agelens.faces.detection.haar import Haar
from agelens.faces.images import open_image


def test_haar_finds_the_astronaut_with_her_eyes_and_nothing_else(astronaut: Path) -> None:
    (found,) = Haar().detect(open_image(astronaut).pixels)
    assert iou(found.box, (170, 65, 275, 180)) > 0.6
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, [[201, 102], [246, 103]], atol=10)


@pytest.mark.parametrize("seed", range(3))
def test_noise_holds_no_face(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert Haar().detect(noise) == []


def test_a_face_in_mist_is_found_all_the_same(astronaut: Path) -> None:
    misty = (open_image(astronaut).pixels * 0.15 + 100).astype(np.uint8)  # 38 levels of grey
    (found,) = Haar().detect(misty)
    assert iou(found.box, (170, 65, 275, 180)) > 0.6


def test_two_faces_side_by_side_are_found_once_each(astronaut: Path) -> None:
    pixels = open_image(astronaut).pixels
    left, right = sorted(Haar().detect(np.hstack([pixels, pixels])), key=lambda face: face.box[0])
    assert iou(left.box, (170, 65, 275, 180)) > 0.6
    assert iou(right.box, (512 + 170, 65, 512 + 275, 180)) > 0.6


def test_a_box_without_eyes_is_no_face(astronaut: Path) -> None:
    pixels = open_image(astronaut).pixels.copy()
    eyes = pixels[85:118, 170:275]
    eyes[:] = cv2.blur(eyes, (25, 25))  # the cascade alone still takes this for a face
    assert Haar().detect(pixels) == []


def test_cascades_that_were_given_back_are_loaded_again(astronaut: Path) -> None:
    detector, pixels = Haar(), open_image(astronaut).pixels
    (before,) = detector.detect(pixels)
    detector.release()
    (after,) = detector.detect(pixels)
    assert after.box == before.box
