from __future__ import annotations

import numpy as np
import pytest

from agelens import ages
from agelens.conformal import ConformalTable
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


def test_calibrated_intervals_are_measured_where_there_is_a_table() -> None:
    mass = np.repeat(ages.gaussian(30.0, 5.0)[None], 200, axis=0)
    wide = ConformalTable(levels=(0.5, 0.9), bands=(0,), central=((0.99, 0.999),))
    (bare, *_), (calibrated, *_) = (
        coverage_by_band(mass, np.full(200, 38.0), table) for table in (None, wide)
    )
    assert bare.held[0] == 0
    assert calibrated.held[0] == 1
    assert calibrated.widths[0] > bare.widths[0]


def test_no_faces_have_no_bands() -> None:
    assert coverage_by_band(np.zeros((0, 101)), [], None) == ()
