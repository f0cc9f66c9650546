from __future__ import annotations

import pytest
import yaml
from huggingface_hub import ModelCard

from agelens.models.bundle import Bundle, read_bundle
from agelens.models.card import model_card, record_metrics
from agelens.models.catalogue import resolve

REPORT = {
    "images": 12,
    "figures": {
        "mae": {"value": 4.321, "low": 4.2, "high": 4.4},
        "gender_macro_f1": {"value": 0.9, "low": 0.8, "high": 0.95},
    },
    "groups": [
        {"by": "age", "name": "0–2", "images": 3, "mae": 1.234, "bias": -0.5, "gender_accuracy": None},
        {"by": "gender", "name": "female", "images": 9, "mae": 5, "bias": 2, "gender_accuracy": 0.75},
    ],
}


def test_recorded_metrics_reach_the_card_and_the_hashes_follow(tiny_bundle: Bundle) -> None:
    bundle = record_metrics(tiny_bundle, "val", REPORT)
    card = (bundle.folder / "README.md").read_text()
    assert "4.32 [4.20, 4.40]" in card
    assert "| age 0–2 | 3 | 1.23 | -0.50 |  |" in card
    assert "| female | 9 | 5.00 | +2.00 | 75.0% |" in card
    assert read_bundle(bundle.folder).spec.metrics["val"]["images"] == 12


def test_hugging_faces_own_reader_finds_licence_task_and_results(tiny_bundle: Bundle) -> None:
    spec = record_metrics(tiny_bundle, "test", REPORT).spec
    spec = spec.model_copy(update={"training": {"sources": ["utkface"]}, "licence": 'odd: "quoted" licence'})
    data = ModelCard(model_card(spec)).data
    assert data.license == "other"
    assert data.license_name == 'odd: "quoted" licence'
    assert data.pipeline_tag == "image-classification"
    assert data.datasets == ["utkface"]
    found = {result.metric_type: result.metric_value for result in data.eval_results}
    assert found == {"mae": pytest.approx(4.321), "f1": pytest.approx(0.9)}
    assert {result.dataset_split for result in data.eval_results} == {"test"}


def test_a_card_without_figures_says_so(tiny_bundle: Bundle) -> None:
    card = model_card(tiny_bundle.spec)
    assert "Not evaluated yet" in card
    assert "model-index" not in yaml.safe_load(card.split("---")[1])


def test_the_shipped_card_says_what_it_is_not_for_and_whose_terms_hold() -> None:
    bundle = resolve("embedded")
    card = (bundle.folder / "README.md").read_text()
    assert card == model_card(bundle.spec)
    for text in (
        "non-commercial research only",
        "binary label",
        "Not for decisions",
        "| Asian |",
        "| female |",
    ):
        assert text in card
