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


def answers(ages_: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of any quality, and answers that are the vaguer the older the face."""
    rng = np.random.default_rng(seed)
    spread = (1 + ages_ / 10) * np.exp(rng.normal(0, 0.3, len(ages_)))
    return rng.uniform(0.2, 1, len(ages_)), ages.gaussian(ages_, spread)


@pytest.fixture(scope="module")
def scale() -> quality.QualityScale:
    picture, age = answers(np.random.default_rng(1).uniform(5, 90, 2000), 1)
    return quality.with_detector(quality.usual_entropy(age), "yunet", picture, age)


def test_quality_on_a_scale_is_the_share_of_faces_that_scored_lower(scale: quality.QualityScale) -> None:
    picture, age = answers(np.random.default_rng(2).uniform(5, 90, 4000), 2)
    shares = quality.of_answers(picture, age, scale, "yunet")
    for threshold in (0.05, 0.1, 0.5, 0.9):
        assert (shares < threshold).mean() == pytest.approx(threshold, abs=0.025)
    assert quality.of_answers(np.zeros(1), age[:1], scale, "yunet") == 0
    order = np.argsort(quality.scores(picture, age, scale))
    assert (np.diff(shares[order]) >= 0).all()


def test_the_old_are_refused_no_more_than_the_young(scale: quality.QualityScale) -> None:
    def refused(age: float, of: quality.QualityScale | None) -> float:
        answered = answers(np.full(2000, age), 3)
        shares = quality.of_answers(*answered, of, "yunet")
        everybody = quality.of_answers(
            *answers(np.random.default_rng(4).uniform(5, 90, 4000), 4), of, "yunet"
        )
        return float((shares < np.quantile(everybody, 0.1)).mean())

    assert abs(refused(15, scale) - refused(75, scale)) < 0.04
    assert refused(75, None) - refused(15, None) > 0.08  # what it was before


def test_a_detector_that_the_scale_does_not_know_leaves_the_plain_score(scale: quality.QualityScale) -> None:
    picture, age = answers(np.linspace(5, 90, 20), 5)
    plain = quality.of_answers(picture, age)
    np.testing.assert_array_equal(quality.of_answers(picture, age, scale, "haar"), plain)
    np.testing.assert_array_equal(plain, quality.scores(picture, age))


def test_where_no_age_is_answered_the_picture_alone_counts() -> None:
    picture = np.array([0.25, 1.0])
    assert quality.of_answers(picture, None).tolist() == [0.5, 1.0]
    scale = quality.with_detector(quality.usual_entropy(None), "haar", np.linspace(0.01, 1, 500), None)
    low, high = quality.of_answers(picture, None, scale, "haar")
    assert (low, high) == (pytest.approx(0.245, abs=0.02), 1)


def test_a_scale_that_does_not_fit_is_refused(scale: quality.QualityScale) -> None:
    content = scale.model_dump()
    assert quality.QualityScale.model_validate(content) == scale
    broken = (
        {"ages": [1.0]},
        {"quantiles": {"haar": [0.1, 0.2]}},
        {"quantiles": {"haar": [0.5, *[0.1] * 100]}},
    )
    for change in broken:
        with pytest.raises(ValueError, match="a quality scale has"):
            quality.QualityScale.model_validate(content | change)
