from __future__ import annotations

import numpy as np
import pytest

from agelens import ages
from agelens.evaluation.coverage import coverage_by_band


def test_each_band_of_predicted_age_is_measured_beside_the_whole() -> None:
    answers = np.repeat([4.0, 70.0], 100)
    probabilities = ages.gaussian(answers, 3.0)
    truth = answers + np.tile([0.0, 9.0], 100)  # half are right, half are three sigma off
    truth[100:] = 70.0  # the old are all right
    whole, young, old = coverage_by_band(probabilities, truth, None, levels=(0.5, 0.9))
    assert (whole.band, whole.images) == ("all", 200)
    assert whole.held == (0.75, 0.75)
    assert (young.band, young.images, young.held) == ("0–7", 100, (0.5, 0.5))
    assert (old.band, old.held) == ("58–100", (1.0, 1.0))
    assert old.widths[1] == pytest.approx(2 * 1.645 * 3, abs=0.2)


def test_no_faces_are_no_bands() -> None:
    assert coverage_by_band(np.zeros((0, 101), np.float32), [], None) == ()


def test_a_band_of_predicted_age_begins_at_its_first_year_and_ends_before_the_next() -> None:
    def band_of(answer: float) -> str:
        whole = np.zeros((1, 101), np.float32)  # all mass on the two years beside the answer
        whole[0, int(answer)], whole[0, int(answer) + 1] = 1 - answer % 1, answer % 1
        _, band = coverage_by_band(whole, [30.0], None)
        return band.band

    assert [band_of(answer) for answer in (0, 7.5, 8, 17.5, 18, 25.5, 26)] == [
        "0–7", "0–7", "8–17", "8–17", "18–25", "18–25", "26–35",
    ]  # fmt: skip
    assert [band_of(answer) for answer in (36, 46, 57.5, 58, 99)] == [
        "36–45", "46–57", "46–57", "58–100", "58–100",
    ]  # fmt: skip
