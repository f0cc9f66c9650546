"""The model card: a bundle's ``README.md``, made from its ``bundle.json``."""

from __future__ import annotations

from typing import Any

from agelens.bundle import CARD_FILE, Bundle, BundleSpec, write_spec
from agelens.files import write_text

_SHOWN = (
    ("score", "competition score", "{:.3f}"),
    ("mae", "age MAE, years", "{:.2f}"),
    ("rmse", "age RMSE, years", "{:.2f}"),
    ("cs5", "ages within 5 years", "{:.1%}"),
    ("gender_accuracy", "gender accuracy", "{:.1%}"),
    ("gender_macro_f1", "gender macro F1", "{:.3f}"),
    ("interval_coverage", "coverage of 90 % intervals", "{:.1%}"),
)


def model_card(spec: BundleSpec) -> str:
    """The card as Markdown."""
    training = spec.training
    images = training.get("images", {})
    size = spec.input.size
    return f"""# {spec.name}

{spec.description or "Reads age (a distribution over 0..100 years) and gender from an aligned face."}

- input: one aligned face, {size} × {size} RGB, cropped as `{spec.crop.name}` (see `bundle.json`)
- parameters: {training.get("parameters", 0):,}; initial weights: {training.get("initial_weights", "unknown")}
- trained on {images.get("train", "?")} images, chosen on {images.get("val", "?")}, commit \
`{str(training.get("git_commit", "unknown"))[:12]}`
- licence of the weights: {spec.licence}

## Use

```python
import agelens
predictor = agelens.load("path/to/this/folder")
print(predictor.predict("photo.jpg"))
```

## Measured

{_metrics(spec.metrics)}

## What it is not for

Gender here is the binary label of the training data, not a person's identity. Ages are estimates with
errors of years, larger for children, old people and groups that the training data holds few of. Do not use
the model to decide about a person (access, hiring, policing, verification of age without a human check),
to infer identity, or on anybody's picture without a lawful ground.
"""


def record_metrics(bundle: Bundle, split: str, report: dict[str, Any]) -> Bundle:
    """Write an evaluation's figures into a bundle, and its card anew."""
    spec = bundle.spec.model_copy(update={"metrics": {**bundle.spec.metrics, split: report}})
    write_text(bundle.folder / CARD_FILE, model_card(spec))
    return write_spec(bundle.folder, spec)


def _metrics(metrics: dict[str, Any]) -> str:
    measured = {split: figures for split, figures in metrics.items() if split != "at_training"}
    if not measured:
        return "Not evaluated yet: `agelens evaluate --write` adds the figures."
    parts = []
    for split, figures in measured.items():
        lines = [f"Split `{split}`, {figures['images']} images; brackets are 95 % bootstrap intervals.", ""]
        lines += ["| | |", "| --- | --- |"]
        for key, label, form in _SHOWN:
            if (figure := figures["figures"].get(key)) is None:
                continue
            value, low, high = (form.format(figure[part]) for part in ("value", "low", "high"))
            lines.append(f"| {label} | {value} [{low}, {high}] |")
        if bands := figures.get("by_age"):
            lines += ["", "| true age | images | MAE | bias |", "| --- | --- | --- | --- |"]
            lines += [
                f"| {band['ages']} | {band['images']} | {band['mae']:.2f} | {band['bias']:+.2f} |"
                for band in bands
            ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
