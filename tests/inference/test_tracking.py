from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import agelens
from agelens import ages
from agelens.inference.answers import Face
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.inference.tracking import PATIENCE, Tracker
from agelens.labels import Gender
from agelens.models.bundle import Bundle


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return agelens.load("embedded", "haar")


def face(x: float, age: float = 30, quality: float = 0.5, gender: Gender = Gender.MALE) -> Face:
    return Face(
        (x, 0, x + 10, 10), 1.0, age, (0, 100), 0.9, gender, 0.9, ages.gaussian(age, 2.0), quality=quality
    )


def tracks(tracker: Tracker, *places: float, seconds: float = 0.1) -> list[int]:
    return [tracked.track for tracked in tracker.update([face(x) for x in places], seconds)]


def test_a_face_keeps_its_track_and_its_answers_are_averaged(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    tracker.update([face(0, 30), face(50, 60)], 0.0)
    second, first = tracker.update([face(52, 64), face(2, 34)], 0.1)
    assert (first.track, second.track, first.frames) == (1, 2, 2)
    assert first.face.age == pytest.approx(32, abs=0.1)
    assert second.face.age == pytest.approx(62, abs=0.1)
    assert first.face.age_probabilities.sum() == pytest.approx(1, abs=1e-4)
    low, high = first.face.age_interval
    assert low < 30
    assert high > 34


def test_a_doubtful_frame_counts_less(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    tracker.update([face(0, 30, quality=0.9)], 0.0)
    (tracked,) = tracker.update([face(0, 60, quality=0.1, gender=Gender.FEMALE)], 0.1)
    assert tracked.face.age == pytest.approx(33, abs=0.2)
    assert tracked.face.gender is Gender.MALE
    assert tracked.face.gender_probability == pytest.approx(0.9 * 0.9 + 0.1 * 0.1, abs=1e-6)


def test_a_face_without_any_quality_is_answered_too(predictor: Predictor) -> None:
    (tracked,) = Tracker(predictor).update([face(0, 30, quality=0.0)], 0.0)
    assert tracked.face.age == pytest.approx(30, abs=0.1)


def test_a_face_out_of_sight_for_long_is_another(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    assert tracks(tracker, 0, seconds=0.0) == [1]
    assert tracks(tracker, seconds=0.3) == []
    assert tracks(tracker, 0, seconds=0.6) == [1]
    assert tracks(tracker, 0, seconds=2.0) == [2]
    assert tracks(tracker, 80, seconds=2.1) == [3]


def test_boxes_that_hardly_overlap_are_different_faces(predictor: Predictor) -> None:
    for shift, same in ((5.3, True), (5.5, False)):  # an overlap of 0.307, and of 0.290
        tracker = Tracker(predictor)
        tracks(tracker, 0, seconds=0.0)
        assert (tracks(tracker, shift) == [1]) is same


def test_a_track_is_given_to_one_face_of_a_frame_only(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    assert tracks(tracker, 0, seconds=0.0) == [1]
    assert tracks(tracker, 3, 1) == [2, 1]  # both overlap the track; the nearer one continues it


def test_a_face_continues_one_track_only(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    assert tracks(tracker, 0, 4, seconds=0.0) == [1, 2]
    (tracked,) = tracker.update([face(3)], 0.1)
    assert (tracked.track, tracked.frames) == (2, 2)
    assert [one.frames for one in tracker.update([face(0), face(4)], 0.2)] == [2, 3]


def test_the_largest_overlaps_are_matched_first(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    assert tracks(tracker, 0, 4, seconds=0.0) == [1, 2]
    # The first face overlaps both tracks, the second the second track alone: whoever matched in the order of
    # faces or tracks, or the smallest overlap first, would cross them.
    assert tracks(tracker, 3, 8) == [2, 3]
    tracker = Tracker(predictor)
    assert tracks(tracker, 0, 4, seconds=0.0) == [1, 2]
    assert tracks(tracker, 5, 1) == [2, 1]


def test_the_options_hold_for_what_is_averaged(predictor: Predictor) -> None:
    options = AnswerOptions(level=0.5, at_least=25, min_quality=0.4, point="median")
    tracker = Tracker(predictor, options)
    first, second = tracker.update([face(0, 20, quality=0.5), face(50, 20, quality=0.3)], 0.0)
    assert first.face.refused is None
    assert second.face.refused == "quality 0.30 is below 0.4"
    assert first.face.interval_level == 0.5
    assert first.face.at_least_probability == pytest.approx(ages.survival(first.face.age_probabilities, 25))
    assert first.face.age == ages.point(first.face.age_probabilities, "median")
    assert list(first.to_dict())[:3] == ["track", "frames", "box"]


def test_sight_is_counted_from_when_a_face_was_last_seen(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    assert tracks(tracker, 0, seconds=10.0) == [1]
    assert tracks(tracker, 0, seconds=10.5) == [1]
    still = Tracker(predictor)
    assert tracks(still, 0, seconds=0.0) == [1]
    assert tracks(still, 0, seconds=PATIENCE) == [1]


def test_the_least_overlap_suffices(predictor: Predictor) -> None:
    wide = [replace(face(0), box=(x, 0, x + 13, 1)) for x in (0, 7)]
    tracker = Tracker(predictor)
    assert [tracker.update([one], 0.1)[0].track for one in wide] == [1, 1]  # 6 of 20


def test_an_averaged_distribution_is_of_single_precision(predictor: Predictor) -> None:
    (tracked,) = Tracker(predictor).update([face(0)], 0.0)
    assert tracked.face.age_probabilities.dtype == np.float32
    assert tracked.face.box == face(0).box
    assert tracked.face.detection == 1.0


def test_a_model_of_one_head_is_followed_too(ages_alone: Bundle, genders_alone: Bundle) -> None:
    for bundle, head in ((ages_alone, "gender"), (genders_alone, "age")):
        tracker = Tracker(agelens.load(bundle, "haar"), AnswerOptions(at_least=18))
        for seconds in (0.0, 0.1):
            (tracked,) = tracker.update([face(0, 40).without([head])], seconds)
        assert tracked.frames == 2
        assert (tracked.face.gender is None) == (head == "gender")
        assert (tracked.face.age is None) == (head == "age")
    assert tracked.face.gender is Gender.MALE
