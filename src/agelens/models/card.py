"""The model card: a bundle's ``README.md``, made from its ``bundle.json``, as Hugging Face reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agelens.files import write_text
from agelens.models.bundle import CARD_FILE, Bundle, BundleSpec, Calibration, write_spec
from agelens.models.card_tables import SHOWN, measured, metrics_tables

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
        metrics=metrics_tables(spec.metrics),
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
                for key, label, _ in SHOWN
                if key in names and (figure := figures["figures"].get(key)) is not None
            ],
        }
        for split, figures in measured(metrics).items()
    ]
