from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agelens import ages, metrics
from agelens.data.manifest import read_manifest
from agelens.errors import ManifestError
from agelens.evaluation import temperature


def too_sure(size: int, seed: int = 0, by: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Answers whose logits are ``by`` times what they should be."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (size, 3))
    right = ages.softmax(logits).astype(float)
    labels = np.array([rng.choice(3, p=row / row.sum()) for row in right])
    return ages.softmax(by * logits), labels


def test_the_losses_are_the_negative_log_likelihoods_of_tempered_answers() -> None:
    probabilities, labels = too_sure(50)
    told = temperature.losses(probabilities, labels, [0.5, 1.0, 3.0])
    assert told.shape == (3, 50)
    for row, one in zip(told, (0.5, 1.0, 3.0), strict=True):
        expected = metrics.negative_log_likelihood(ages.retempered(probabilities, one), labels)
        assert row.mean() == pytest.approx(expected, abs=1e-5)


def test_the_temperature_makes_answers_as_sure_as_they_are_right_and_knows_its_error() -> None:
    found = [temperature.best(temperature.losses(*too_sure(300, seed))) for seed in range(40)]
    fitted, errors = np.transpose(found)
    assert fitted.mean() == pytest.approx(2.0, abs=0.15)
    assert errors.mean() == pytest.approx(fitted.std(), rel=0.35)
    many, less = (temperature.best(temperature.losses(*too_sure(size)))[1] for size in (300, 4800))
    assert many / less == pytest.approx(4, rel=0.35)


def test_at_the_end_of_what_is_tried_no_error_is_told() -> None:
    chosen, error = temperature.best(temperature.losses(np.eye(3)[[0, 1, 2] * 9], np.array([0, 1, 2] * 9)))
    assert chosen == pytest.approx(temperature.TEMPERATURES[0])
    assert np.isnan(error)


def test_offsets_are_the_odds_of_rare_ages(synthetic: Path) -> None:
    manifest = read_manifest(synthetic)
    years = [sample.age for sample in manifest.of_split("train").samples if sample.age is not None]
    nats = np.array(temperature.prior_offsets([manifest], 0.5, 20))
    assert (nats[:20] == nats[20]).all()
    frequency = ages.frequencies(years)
    assert nats[60] - nats[25] == pytest.approx(-0.5 * np.log(frequency[60] / frequency[25]), abs=2e-4)
    assert set(temperature.prior_offsets([manifest], 0, 0)) == {0.0}
    with pytest.raises(ManifestError, match="use --flatten, too"):
        temperature.prior_offsets([manifest], 0, 50)
