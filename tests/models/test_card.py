from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

import agelens
from agelens.data.manifest import read_manifest
from agelens.evaluation import evaluate
from agelens.inference.options import AnswerOptions
from agelens.metrics import Estimate
from agelens.models.bundle import Bundle, read_bundle, record_measurement
from agelens.models.card import model_card
from agelens.models.catalogue import models_at_hand, resolve
from agelens.models.measurement import GroupError, Measurement
from agelens.models.spec import Calibration, Fitted, Training

MEASURED = Measurement(
    split="test",
    images=12,
    figures={"mae": Estimate(4.321, 4.2, 4.4), "gender_macro_f1": Estimate(0.9, 0.8, 0.95)},
    groups=(GroupError("group", "one | two", 90, 5, 2, 0.75), GroupError("gender", "male", 9, 5, 2, None)),
)


def test_the_card_states_what_a_figure_was_measured_with(tiny_bundle: Bundle, synthetic: Path) -> None:
    val = read_manifest(synthetic).of_split("val")
    options = AnswerOptions(level=0.5, point="median", flip=True)
    result = evaluate(agelens.load(tiny_bundle.folder, "haar"), val, options, resamples=5)
    told = Measurement.model_validate(result.to_dict())  # as JSON, not as the objects it was made of
    card = (record_measurement(tiny_bundle, told).folder / "README.md").read_text()
    assert (
        "### On `val`\n\n64 images (detector haar, median of the age distribution, "
        "averaged with the mirror image, 50 % age intervals)"
    ) in card
    coverage = result.figures["interval_coverage"]
    assert f"| coverage of 50 % intervals | {coverage.value:.1%} [{coverage.low:.1%}" in card
    assert "| width of 50 % intervals, years |" in card
    assert re.search(r"\| group \| images \|.*\| 50 % intervals hold \|", card)
    assert "of 90 % intervals" not in card
    mae = result.figures["mae"]
    assert f"| age MAE, years | {mae.value:.2f} [{mae.low:.2f}, {mae.high:.2f}] |" in card


def test_a_second_evaluation_stands_beside_the_first_and_a_new_one_in_its_place(tiny_bundle: Bundle) -> None:
    for split, images in (("val", 5), ("test", 7), ("val", 9)):
        record_measurement(
            read_bundle(tiny_bundle.folder), MEASURED.model_copy(update={"split": split, "images": images})
        )
    bundle = read_bundle(tiny_bundle.folder)
    assert {split: one.images for split, one in bundle.spec.metrics.items()} == {"val": 9, "test": 7}
    card = (bundle.folder / "README.md").read_text()
    assert "### On `val`\n\n9 images" in card
    assert "### On `test`\n\n7 images" in card
    by_data_set = card[card.index("### By data set") : card.index("### On")]
    named = [line.split(" | ")[0] for line in by_data_set.splitlines() if line.endswith("|")][2:]
    assert named == ["| val, 9 images", "| test, 7 images"]


def test_small_groups_and_odd_names_do_not_break_the_tables(tiny_bundle: Bundle) -> None:
    card = model_card(tiny_bundle.spec, {"test": MEASURED})
    assert r"| one \| two | 90 | 5.00 | +2.00 | 75.0% |  |" in card
    assert "| male * | 9 | 5.00 | +2.00 |  |  |" in card
    assert "\n\\* fewer than 50 faces." in card


def test_hugging_faces_own_reader_finds_licence_task_and_results(tiny_bundle: Bundle) -> None:
    spec = record_measurement(tiny_bundle, MEASURED).spec
    update = {"training": Training(sources=("utkface",)), "licence": 'odd: "quoted" licence'}
    data = ModelCard(model_card(spec.model_copy(update=update), {})).data
    assert data.license == "other"
    assert data.license_name == 'odd: "quoted" licence'
    assert data.pipeline_tag == "image-classification"
    assert data.datasets == ["utkface"]
    found = {result.metric_type: result.metric_value for result in data.eval_results}
    assert found == {"mae": pytest.approx(4.321), "f1": pytest.approx(0.9)}
    assert {result.dataset_split for result in data.eval_results} == {"test"}


def test_the_terms_of_every_source_are_repeated(tiny_bundle: Bundle) -> None:
    training = Training(sources=("agedb", "own"), terms={"agedb": "AgeDB (https://…): research only"})
    card = model_card(tiny_bundle.spec.model_copy(update={"training": training}), {})
    assert "- data: AgeDB (https://…): research only; own\n" in card


def test_three_licences_are_told_apart(tiny_bundle: Bundle) -> None:
    training = Training(
        sources=("agedb", "own"), terms={"agedb": "AgeDB: research only"}, stored_as="float16", parameters=5
    )
    spec = tiny_bundle.spec.model_copy(update={"training": training})
    data = "AgeDB: research only; own: not stated"
    assert spec.licences == {"code": "MIT", "weights": "CC0-1.0: random numbers", "data": data}
    card = model_card(spec, {})
    assert (
        "- code (AgeLens, which runs the model): MIT\n"
        "- weights (`model.onnx`): CC0-1.0: random numbers\n"
        f"- data (not part of the bundle): {data}\n"
    ) in card
    assert "- 5 parameters (stored in half precision); initial" in card
    assert tiny_bundle.spec.licences["data"] == "not stated"


def test_a_bundle_written_before_licences_were_told_apart_is_read(tiny_bundle: Bundle) -> None:
    path = tiny_bundle.folder / "bundle.json"
    content = json.loads(path.read_text())
    assert content.pop("code_licence") == "MIT"
    path.write_text(json.dumps(content))
    assert read_bundle(tiny_bundle.folder).spec.licences == tiny_bundle.spec.licences


def test_each_part_of_the_calibration_says_what_it_was_fitted_on(tiny_bundle: Bundle) -> None:
    val, more = Fitted(on="val", images=150), Fitted(on="calibration", images=2000)
    parts = {"age": more, "gender": val, "intervals": more}
    fitted = Calibration(fitted_on="val", images=150, parts=parts)
    card = model_card(tiny_bundle.spec.model_copy(update={"calibration": fitted}), {})
    assert (
        "- calibration: temperature of age, conformal intervals fitted on 2000 images of `calibration`; "
        "temperature of gender fitted on 150 images of `val`\n"
    ) in card


def test_a_card_says_what_the_model_has_not_learnt(tiny_bundle: Bundle, ages_alone: Bundle) -> None:
    card = (ages_alone.folder / "README.md").read_text()
    assert "- it has not learnt gender, and answers none\n\n## Licences" in card
    assert "not learnt" not in model_card(tiny_bundle.spec, {})


def test_a_card_without_figures_says_so(tiny_bundle: Bundle) -> None:
    card = (tiny_bundle.folder / "README.md").read_text()
    assert "Not evaluated yet" in card
    assert "model-index" not in yaml.safe_load(card.split("---")[1])


def test_the_large_models_card_names_its_data_its_start_and_its_licences() -> None:
    if "efficientnet-b4" not in models_at_hand():
        pytest.skip("the model lies in a checkout of the project alone")
    bundle = resolve("efficientnet-b4")
    assert sum(path.stat().st_size for path in bundle.folder.iterdir()) <= 45e6
    assert bundle.spec.input.size == 224
    sources = ("all-age-faces", "appa-real", "lfw", "scut-fbp5500", "utkface")
    assert bundle.spec.training.sources == sources
    assert bundle.spec.training.terms.keys() == set(sources)
    assert bundle.spec.training.result["val/utkcal224/mae"] == pytest.approx(4.349, abs=1e-3)
    card = (bundle.folder / "README.md").read_text()
    assert card == model_card(bundle.spec, bundle.measurements())
    for text in (
        "initial weights: EfficientNet-Lite2's ImageNet weights (Apache-2.0), grown into EfficientNet-B4",
        "SCUT-FBP5500 (5,498, with gender alone)",
        "(stored in half precision)",
        "- code (AgeLens, which runs the model): MIT",
        "- weights (`model.onnx`): non-commercial research only",
        "UTKFace (https://susanqq.github.io/UTKFace/): non-commercial research only",
    ):
        assert text in card


def test_the_shipped_card_says_what_it_is_not_for_and_whose_terms_hold() -> None:
    bundle = resolve("embedded")
    card = (bundle.folder / "README.md").read_text()
    assert card == model_card(bundle.spec, bundle.measurements())
    for text in (
        "UTKFace (https://susanqq.github.io/UTKFace/): non-commercial research only",
        "APPA-REAL (https://chalearnlap.cvc.uab.cat/dataset/26/description/): research only",
        "binary label",
        "Not for decisions",
        "| Asian |",
        "| female |",
        "(detector whole, mean of the age distribution, without the mirror image, 90 % age intervals)",
    ):
        assert text in card
