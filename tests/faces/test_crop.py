from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agelens.errors import DetectorError
from agelens.faces.crop import CropConvention, crop_face, eye_distance, footprint, similarity, warp
from agelens.faces.detection.base import Detection

CONVENTION = CropConvention()


@given(
    arrays(np.float64, (5, 2), elements=st.floats(-50, 50)).filter(lambda p: np.ptp(p, axis=0).max() > 1),
    st.floats(0.1, 5),
    st.floats(-3, 3),
    st.floats(-99, 99),
)
def test_a_similarity_is_recovered_from_its_points(
    points: np.ndarray, scale: float, angle: float, shift: float
) -> None:
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    goal = points @ rotation.T + (shift, -shift)
    matrix = similarity(points, goal)
    np.testing.assert_allclose(matrix[:, :2], rotation, atol=1e-6)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], goal, atol=1e-5)


def smooth_picture(side: int = 200) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side] / side
    return (np.dstack([x, y, np.sin(5 * x) * np.cos(4 * y) / 2 + 0.5]) * 255).astype(np.uint8)


@pytest.mark.parametrize("size", [64, 80, 200])
def test_a_face_that_lies_as_the_convention_says_is_cropped_as_it_is(size: int) -> None:
    picture = smooth_picture()
    landmarks = np.array(CONVENTION.landmarks) * 200
    found = Detection((0, 0, 200, 200), 1.0, landmarks)
    aligned = crop_face(picture, found, "yunet", CONVENTION, size).astype(int)
    whole = crop_face(picture, Detection((0, 0, 200, 200), 1.0), "whole", CONVENTION, size).astype(int)
    assert np.abs(aligned - whole)[2:-2, 2:-2].max() <= 4


@pytest.mark.parametrize("detector", ["yunet", "haar"])
def test_without_landmarks_the_box_decides(detector: str) -> None:
    picture = smooth_picture()
    x0, y0, x1, y1 = (share * 200 for share in CONVENTION.boxes[detector])
    aligned = crop_face(picture, Detection((x0, y0, x1, y1), 1.0), detector, CONVENTION, 80).astype(int)
    whole = crop_face(picture, Detection((0, 0, 200, 200), 1.0), "whole", CONVENTION, 80).astype(int)
    assert np.abs(aligned - whole)[2:-2, 2:-2].max() <= 4


def test_two_eyes_turn_a_tilted_face_upright() -> None:
    picture = smooth_picture()
    eyes = np.array(CONVENTION.landmarks[:2]) * 200
    upright = crop_face(picture, Detection((0, 0, 200, 200), 1.0, eyes), "haar", CONVENTION, 64)
    turned = np.rot90(picture).copy()  # counter-clockwise: (x, y) -> (y, 200 - x)
    turned_eyes = np.column_stack([eyes[:, 1], 200 - eyes[:, 0]])
    again = crop_face(turned, Detection((0, 0, 200, 200), 1.0, turned_eyes), "haar", CONVENTION, 64)
    assert np.abs(again.astype(int) - upright)[2:-2, 2:-2].max() <= 4


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    checks = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = warp(np.dstack([checks] * 3), np.array([[0.125, 0, 0], [0, 0.125, 0]]), 64)
    assert np.abs(small.astype(int) - 127).max() <= 2


def test_what_lies_beyond_the_picture_repeats_its_edge() -> None:
    grey = np.full((50, 50, 3), 90, np.uint8)
    crop = crop_face(grey, Detection((-30, -30, 40, 40), 1.0), "haar", CONVENTION, 32)
    assert (crop == 90).all()


def test_a_detector_of_any_name_is_aligned_by_its_landmarks() -> None:
    eyes = np.array(CONVENTION.landmarks[:2]) * 200
    found = Detection((0, 0, 200, 200), 1.0, eyes)
    crops = [crop_face(smooth_picture(), found, name, CONVENTION, 64) for name in ("haar", "scrfd")]
    np.testing.assert_array_equal(*crops)


def test_a_detector_unknown_to_the_convention_and_without_landmarks_is_a_sentence() -> None:
    with pytest.raises(DetectorError, match=r"'scrfd' .* no landmarks.* yunet, haar, whole only; let it"):
        crop_face(smooth_picture(), Detection((0, 0, 99, 99), 1.0), "scrfd", CONVENTION, 64)
    wider = CropConvention(boxes={**CONVENTION.boxes, "scrfd": CONVENTION.boxes["haar"]})
    crops = [
        crop_face(smooth_picture(), Detection((0, 0, 99, 99), 1.0), name, wider, 64)
        for name in ("haar", "scrfd")
    ]
    np.testing.assert_array_equal(*crops)


@pytest.mark.parametrize("landmarks", [True, False])
def test_the_footprint_is_all_that_a_crop_looks_at(landmarks: bool) -> None:
    convention, rng = CropConvention(), np.random.default_rng(0)
    points = np.array([[140, 120], [190, 140], [160, 160], [130, 180], [170, 190]], float)
    face = Detection((110.0, 90.0, 210.0, 220.0), 0.9, points if landmarks else None)
    x0, y0, x1, y1 = footprint(face, "yunet", convention)
    pixels = rng.integers(0, 255, (400, 400, 3), dtype=np.uint8)
    elsewhere = rng.integers(0, 255, (400, 400, 3), dtype=np.uint8)
    inside = np.s_[int(y0) - 2 : int(y1) + 3, int(x0) - 2 : int(x1) + 3]
    elsewhere[inside] = pixels[inside]
    crops = [crop_face(one, face, "yunet", convention, 64) for one in (pixels, elsewhere)]
    np.testing.assert_array_equal(*crops)
    elsewhere[int(y0) + 5 : int(y1) - 5, int(x0) + 5 : int(x1) - 5] = 0
    assert (crop_face(elsewhere, face, "yunet", convention, 64) != crops[0]).any()
    assert footprint(face, "whole", convention) == face.box


def test_the_distance_of_the_eyes_is_that_of_the_landmarks_or_of_the_convention() -> None:
    found = Detection((0, 0, 100, 100), 1.0, np.array([[30.0, 40.0], [60.0, 80.0]]))
    assert eye_distance(found, "yunet", CropConvention()) == 50
    whole = Detection((0, 0, 200, 200), 1.0)
    assert eye_distance(whole, "whole", CropConvention()) == pytest.approx(77.8, abs=0.1)
    assert np.isnan(eye_distance(whole, "haar", CropConvention()))
