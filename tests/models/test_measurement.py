from __future__ import annotations

import pytest

from agelens.metrics import Estimate
from agelens.models.measurement import Headline, Measurement

FIGURES = {"mae": Estimate(4.3, 4.2, 4.4)}


def test_the_conditions_say_what_is_recorded_and_nothing_else() -> None:
    assert Headline(images=3, figures=FIGURES).conditions == ""
    told = Headline(images=3, figures={}, detector="haar", flip=True, point="median", level=0.975)
    assert told.conditions == (
        "detector haar, median of the age distribution, averaged with the mirror image, 97.5 % age intervals"
    )
    assert "without the mirror image" in Headline(images=3, figures={}, flip=False).conditions


def test_the_headline_leaves_the_tables_out() -> None:
    content = {
        "split": "test", "level": 0.8, "images": 3,
        "figures": {"mae": {"value": 4.3, "low": 4.2, "high": 4.4}},
        "refusing": [{"answered": 1.0, "min_quality": 0.2, "mae": None, "gender_accuracy": None}],
    }  # fmt: skip
    whole = Measurement.model_validate(content)  # ``refusing`` is what it once was called
    assert [row.threshold for row in whole.risk_coverage] == [0.2]
    assert whole.headline == Headline(split="test", level=0.8, images=3, figures=FIGURES)
    assert Measurement.model_validate(whole.model_dump(mode="json")) == whole


def test_a_figure_without_its_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="low"):
        Headline.model_validate({"images": 3, "figures": {"mae": {"value": 4.3}}})
