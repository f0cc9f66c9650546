"""The model card: a bundle's ``README.md``, made from its ``bundle.json``, as Hugging Face reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agelens.bundle import CARD_FILE, Bundle, BundleSpec, Calibration, write_spec
from agelens.conformal import REPORTED_LEVELS
from agelens.files import write_text

#: Years. The age that checks are shown for.
ADULT = 18

_SHOWN = (
    ("score", "competition score", "{:.3f}"),
    ("mae", "age MAE, years", "{:.2f}"),
    ("rmse", "age RMSE, years", "{:.2f}"),
    ("bias", "age bias, years", "{:+.2f}"),
    ("cs5", "ages within 5 years", "{:.1%}"),
    ("gender_accuracy", "gender accuracy", "{:.1%}"),
    ("gender_macro_f1", "gender macro F1", "{:.3f}"),
    ("interval_coverage", "coverage of 90 % intervals", "{:.1%}"),
    ("interval_width", "width of 90 % intervals, years", "{:.1f}"),
    ("uncalibrated_coverage", "coverage of uncalibrated ones", "{:.1%}"),
    ("uncalibrated_width", "their width, years", "{:.1f}"),
    ("adult_calibration_error", "ECE of P(age ≥ 18)", "{:.3f}"),
    ("gender_calibration_error", "ECE of gender", "{:.3f}"),
)

#: What a data set's terms permit, by the manifest's ``source``.
_TERMS = {
    "utkface": "UTKFace (https://susanqq.github.io/UTKFace/): non-commercial research only",
    "appa-real": "APPA-REAL (https://chalearnlap.cvc.uab.cat/dataset/26/description/): research only",
}

_CARD = """---
{front_matter}
---

# {name}

{description}

- input: one aligned face, {size} × {size} RGB, cropped as `{crop}` (see `bundle.json`)
- output: `age_logits` over the ages 0..100, answered as their expectation with an interval; `gender_logits`
  (male, female)
- licence of the weights: {licence}

## Use

```python
import agelens

faces = agelens.load("path/to/this/folder").predict("photo.jpg")
```

Or `agelens predict --model path/to/this/folder photo.jpg`; an address `hf://owner/repo` or `kaggle://…` in
place of the folder fetches it.

## Intended use, and what it is not for

Statistics over many faces, research on age estimation, teaching. Not for decisions about a person: access,
hiring, policing, or verification of age without a human check; not for inferring identity; not on anybody's
picture without a lawful ground. Gender here is the **binary label of the training data**, not a person's
identity. Ages are estimates with errors of years, larger for old people and for groups that the training data
holds few of: see the table by group.

## Training

- data: {data}
- {train} images to train on, {val} to choose the epoch
- {parameters} parameters; initial weights: {initial_weights}{taught}
- calibration: {calibration}
- commit `{commit}`; recipe and versions in `bundle.json`

## Measured

{metrics}
"""


def model_card(spec: BundleSpec) -> str:
    """The card as Markdown, with the front matter that Hugging Face indexes."""
    training = spec.training
    images = training.get("images", {})
    return _CARD.format(
        front_matter=_front_matter(spec),
        name=spec.name,
        description=spec.description
        or "Reads age (a distribution over 0..100 years) and gender from an aligned face.",
        size=spec.input.size,
        crop=spec.crop.name,
        licence=spec.licence,
        data="; ".join(_TERMS.get(source, source) for source in training.get("sources", [])) or "not stated",
        train=images.get("train", "?"),
        val=images.get("val", "?"),
        parameters=f"{training['parameters']:,}" if "parameters" in training else "?",
        initial_weights=training.get("initial_weights", "unknown"),
        taught="; learnt a teacher's answers beside the labels (see above)" if training.get("taught") else "",
        calibration=_calibration(spec.calibration),
        commit=str(training.get("git_commit", "unknown"))[:12],
        metrics=_metrics(spec.metrics),
    )


def _calibration(fitted: Calibration) -> str:
    if not fitted.fitted_on:
        return "none"
    rare = "; rare ages made likelier (prior correction)" if any(fitted.age_offsets) else ""
    return (
        f"temperatures and conformal intervals fitted on {fitted.images} images of `{fitted.fitted_on}`{rare}"
    )


def record_metrics(bundle: Bundle, split: str, report: dict[str, Any]) -> Bundle:
    """Write an evaluation's figures into a bundle, and its card anew."""
    spec = bundle.spec.model_copy(update={"metrics": {**bundle.spec.metrics, split: report}})
    return rewrite_card(bundle.folder, spec)


def rewrite_card(folder: Path, spec: BundleSpec) -> Bundle:
    """Write a changed ``bundle.json`` and the card that follows from it."""
    write_text(folder / CARD_FILE, model_card(spec))
    return write_spec(folder, spec)


def _front_matter(spec: BundleSpec) -> str:
    """YAML, whose values are written as JSON: every JSON value is a YAML value."""
    sources = spec.training.get("sources", [])
    values: dict[str, Any] = {
        "license": "other",
        "license_name": spec.licence,
        "library_name": "agelens",
        "pipeline_tag": "image-classification",
        "tags": ["age-estimation", "gender", "face", "onnx"],
        "metrics": ["mae", "f1"],
    }
    if sources:
        values["datasets"] = sources
    if results := _results(spec.metrics, sources):
        values["model-index"] = [{"name": spec.name, "results": results}]
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())


def _results(metrics: dict[str, Any], sources: list[str]) -> list[dict[str, Any]]:
    names = {"mae": "mae", "gender_accuracy": "accuracy", "gender_macro_f1": "f1"}
    return [
        {
            "task": {"type": "image-classification", "name": "age and gender from a face"},
            "dataset": {"name": f"{' + '.join(sources) or 'own'} {split}", "type": "faces", "split": split},
            "metrics": [
                {"type": names[key], "name": label, "value": round(figure["value"], 4)}
                for key, label, _ in _SHOWN
                if key in names and (figure := figures["figures"].get(key)) is not None
            ],
        }
        for split, figures in _measured(metrics).items()
    ]


def _measured(metrics: dict[str, Any]) -> dict[str, Any]:
    return {split: figures for split, figures in metrics.items() if split != "at_training"}


def _metrics(metrics: dict[str, Any]) -> str:
    measured = _measured(metrics)
    if not measured:
        return "Not evaluated yet: `agelens evaluate --write` adds the figures."
    return "\n\n".join(
        f"Split `{split}`, {figures['images']} images; brackets are 95 % bootstrap intervals.\n\n"
        + "".join(
            [
                _figures(figures),
                _groups(figures.get("groups", [])),
                _gaps(figures.get("gaps", [])),
                _coverage(figures.get("coverage", [])),
                _checks(figures.get("age_checks", [])),
            ]
        )
        for split, figures in measured.items()
    )


def _figures(figures: dict[str, Any]) -> str:
    lines = ["| | |", "| --- | --- |"]
    for key, label, form in _SHOWN:
        if (figure := figures["figures"].get(key)) is not None:
            value, low, high = (form.format(figure[part]) for part in ("value", "low", "high"))
            lines.append(f"| {label} | {value} [{low}, {high}] |")
    return "\n".join(lines)


def _groups(groups: list[dict[str, Any]]) -> str:
    if not groups:
        return ""
    lines = ["", "", "| group | images | MAE | bias | gender accuracy |", "| --- | --- | --- | --- | --- |"]
    for group in groups:
        if "×" in group["by"]:
            continue
        name = f"age {group['name']}" if group["by"] == "age" else group["name"]
        mae = "" if group["mae"] is None else f"{group['mae']:.2f}"
        bias = "" if group["bias"] is None else f"{group['bias']:+.2f}"
        right = "" if group["gender_accuracy"] is None else f"{group['gender_accuracy']:.1%}"
        lines.append(f"| {name} | {group['images']} | {mae} | {bias} | {right} |")
    return "\n".join(lines)


def _gaps(gaps: list[dict[str, Any]]) -> str:
    """Who is served worst and who best, in each cut and figure."""
    if not gaps:
        return ""
    names = {"mae": "MAE", "gender_accuracy": "gender accuracy", "coverage": "intervals hold"}
    lines = ["", "", "| gap in | served worst | served best | gap |", "| --- | --- | --- | --- |"]
    for gap in gaps:
        form = "{:.2f}" if gap["figure"] == "mae" else "{:.1%}"
        value, low, high = (form.format(gap["gap"][part]) for part in ("value", "low", "high"))
        lines.append(
            f"| {names[gap['figure']]}, by {gap['by']} | {gap['worst']}: {form.format(gap['worst_value'])} "
            f"| {gap['best']}: {form.format(gap['best_value'])} | {value} [{low}, {high}] |"
        )
    return "\n".join(lines)


def _coverage(bands: list[dict[str, Any]]) -> str:
    if not bands:
        return ""
    head = " | ".join(f"{level:.0%} intervals hold" for level in REPORTED_LEVELS)
    lines = ["", "", f"| predicted age | images | {head} |", "| --- " * (2 + len(REPORTED_LEVELS)) + "|"]
    lines += [
        f"| {band['band']} | {band['images']} | {' | '.join(f'{held:.1%}' for held in band['held'])} |"
        for band in bands
    ]
    return "\n".join(lines)


def _checks(checks: list[dict[str, Any]]) -> str:
    """How an age check for adults would fare: the table that says why it needs a human beside it."""
    rows = [check for check in checks if check["threshold"] == ADULT and check.get("among", "all") == "all"]
    if not rows:
        return ""
    lines = [
        "",
        "",
        f"A check for people of {ADULT} that passes a face from a challenge age on:",
        "",
        f"| passes from | of {rows[0]['minors']} minors pass | of the others turned away |",
        "| --- | --- | --- |",
    ]
    for check in rows:
        low, high = check["interval"]
        away = "" if check["turned_away"] is None else f"{check['turned_away']:.1%}"
        lines.append(f"| {check['challenge']} | {check['passed']:.1%} [{low:.1%}, {high:.1%}] | {away} |")
    return "\n".join(lines)
