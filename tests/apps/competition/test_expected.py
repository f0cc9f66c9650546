from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import agelens
from agelens.apps.competition.expected import expected_scores, expected_table
from agelens.apps.competition.folder import CodeEvidence, find_gender_code, read_competition_folder
from agelens.data.manifest import Manifest
from agelens.evaluation.run import evaluate
from agelens.labels import Gender
from agelens.metrics import Estimate
from agelens.models.bundle import Bundle
from agelens.models.catalogue import resolve

EVIDENCE = CodeEvidence({Gender.MALE: "0", Gender.FEMALE: "1"}, 0.95, 400, Estimate(0.85, 0.83, 0.87))


def test_every_measurement_of_the_bundle_is_told_behind_the_competitions_own_faces() -> None:
    spec = resolve("embedded").spec
    scores = expected_scores([spec], EVIDENCE)
    assert [one.measured_on for one in scores] == ["train.csv", *spec.metrics]
    assert scores[0].score == EVIDENCE.score
    assert scores[1].score == spec.metrics["utkface test"].figures["score"]
    table = expected_table(scores)
    assert table.rows[0] == ("embedded", "train.csv", "400", "0.850 [0.830, 0.870]")
    assert "may be unlike all of them" in table.note
    assert "train.csv flatters" in table.note


def test_each_of_several_models_stands_once_by_itself(tiny_bundle: Bundle) -> None:
    spec = resolve("embedded").spec
    scores = expected_scores([spec, tiny_bundle.spec, spec], None)
    assert [one.measured_on for one in scores] == list(spec.metrics)


def test_a_model_is_not_flattered_by_faces_that_it_has_learnt() -> None:
    spec = resolve("embedded").spec
    learnt = spec.model_copy(
        update={"training": spec.training.model_copy(update={"sources": ("competition",)})}
    )
    assert [one.measured_on for one in expected_scores([learnt], EVIDENCE)] == list(spec.metrics)


def test_a_model_that_was_never_measured_says_so(tiny_bundle: Bundle) -> None:
    table = expected_table(expected_scores([tiny_bundle.spec], None))
    assert table.rows == []
    assert "Nothing was measured" in table.note
    assert "flatters" not in table.note


@pytest.mark.parametrize("male", ["0", "1"])
def test_the_score_on_the_training_images_is_that_of_an_evaluation(
    male: str,
    competition: Callable[..., Path],
    some_faces: dict[str, Manifest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agelens.apps.competition.folder.CODE_SAMPLE", 10_000)  # all of them
    predictor = agelens.load("embedded", "whole")
    found = find_gender_code(predictor, read_competition_folder(competition(male=male)).training)
    measured = evaluate(predictor, some_faces["train"], resamples=2).figures["score"]
    assert found.score.value == pytest.approx(measured.value, abs=1e-6)
    assert found.score.low < found.score.value < found.score.high
