import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelens import ages
from agelens.faces import quality


@pytest.fixture(scope="module")
def noisy() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)


def test_a_blurred_picture_has_less_quality_than_a_sharp_one(noisy: np.ndarray) -> None:
    blurred = cv2.GaussianBlur(noisy, (0, 0), 4)
    assert quality.of_picture(1.0, 80, blurred) < 0.5 < quality.of_picture(1.0, 80, noisy)


def test_a_face_smaller_than_the_network_sees_loses_in_proportion(noisy: np.ndarray) -> None:
    whole, half = quality.of_picture(1.0, 80, noisy), quality.of_picture(1.0, 40, noisy)
    assert half == pytest.approx(whole / 2)
    assert quality.of_picture(1.0, 800, noisy) == whole


def test_a_doubtful_detection_is_a_doubtful_face(noisy: np.ndarray) -> None:
    assert quality.of_picture(0.5, 80, noisy) == pytest.approx(quality.of_picture(1.0, 80, noisy) / 2)


def test_an_answer_that_knows_nothing_has_no_quality() -> None:
    known, unknown = ages.gaussian(30, 1.5), np.full(101, 1 / 101, np.float32)
    certain, doubtful = quality.of_answers(np.array([1.0, 1.0]), np.stack([known, unknown]))
    assert doubtful == pytest.approx(0, abs=1e-3)
    assert certain > 0.7


@given(st.floats(0, 1), st.floats(0.1, 400), st.floats(1, 30))
def test_quality_stays_within_0_and_1(detection: float, side: float, sigma: float) -> None:
    picture = quality.of_picture(detection, side, np.zeros((32, 32, 3), np.uint8))
    value = quality.of_answers(np.array([picture, 1.0]), np.stack([ages.gaussian(40, sigma)] * 2))
    assert ((value >= 0) & (value <= 1)).all()
