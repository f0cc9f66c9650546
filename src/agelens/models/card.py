"""The model card: a bundle's ``README.md``, as Hugging Face reads it, made from what the bundle holds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from importlib import resources
from typing import Any

from agelens.figures import FIGURES, Table
from agelens.models import tables
from agelens.models.measurement import Headline, Measurement
from agelens.models.spec import HEADS, PARTS, BundleSpec, Calibration, Part

_PARTS: dict[Part, str] = {
    "age": "temperature of age",
    "gender": "temperature of gender",
    "intervals": "conformal intervals",
    "quality": "scale of quality",
}


def model_card(spec: BundleSpec, measurements: Mapping[str, Measurement]) -> str:
    """The card as Markdown, with the front matter that Hugging Face indexes; measurements are by split."""
    training = spec.training
    text = (resources.files("agelens") / "assets" / "card.md").read_text(encoding="utf-8")
    return text.format(
        front_matter=_front_matter(spec),
        name=spec.name,
        description=spec.description
        or "Reads age (a distribution over 0..100 years) and gender from an aligned face.",
        heads=_heads(spec),
        size=spec.input.size,
        crop=spec.crop.name,
        licence=spec.licence,
        code_licence=spec.code_licence,
        data_terms=spec.licences["data"],
        data="; ".join(training.terms.get(source, source) for source in training.sources) or "not stated",
        train=training.images.get("train", "?"),
        val=training.images.get("val", "?"),
        parameters="?" if training.parameters is None else f"{training.parameters:,}",
        stored=" (stored in half precision)" if training.stored_as == "float16" else "",
        initial_weights=training.initial_weights,
        taught="; learnt a teacher's answers beside the labels (see above)" if training.taught else "",
        calibration=_calibration(spec.calibration),
        commit=training.git_commit[:12],
        metrics="\n\n".join(
            _by_data_set(spec, measurements) + [_measured(*one) for one in measurements.items()]
        )
        or "Not evaluated yet: `agelens evaluate --write` adds the figures.",
    )


def _by_data_set(spec: BundleSpec, measurements: Mapping[str, Measurement]) -> list[str]:
    """The first thing to read, where there is more than one: the same figures of each data set."""
    if len(measurements) < 2:
        return []
    return ["### By data set", markdown(tables.data_set_table(measurements, spec.calibration.unseen))]


def _measured(split: str, measured: Measurement) -> str:
    how = f" ({measured.conditions})" if measured.conditions else ""
    lead = f"### On `{split}`\n\n{measured.images} images{how}; brackets are 95 % bootstrap intervals."
    return "\n\n".join([lead, *(markdown(table) for table in tables.summary(measured))])


def markdown(table: Table) -> str:
    """A plain table as Markdown."""
    rule = ["---"] * table.text + ["---:"] * (len(table.columns) - table.text)
    lines = []
    for cells in (table.columns, rule, *table.rows):
        escaped = (cell.replace("|", r"\|").replace("\n", " ") for cell in cells)
        lines.append(f"| {' | '.join(escaped)} |")
    return "\n\n".join(filter(None, (table.title, "\n".join(lines), table.note.replace("*", r"\*"))))


def _heads(spec: BundleSpec) -> str:
    """What it has not learnt, as an item of the list; nothing where it has learnt all."""
    missing = [head for head in HEADS if head not in spec.heads]
    return "".join(f"- it has not learnt {head}, and answers none\n" for head in missing)


def _calibration(fitted: Calibration) -> str:
    if not fitted.fitted_on:
        return "none"
    rare = "; rare ages made likelier (prior correction)" if any(fitted.age_offsets) else ""
    if not fitted.parts:
        where = f"{fitted.images} images of `{fitted.fitted_on}`"
        return f"temperatures and conformal intervals fitted on {where}{rare}"
    by_faces = defaultdict(list)
    for part in PARTS:
        if faces := fitted.parts.get(part):
            by_faces[faces].append(_PARTS[part])
    told = [
        f"{', '.join(parts)} fitted on {faces.images} images of `{faces.on}`"
        for faces, parts in by_faces.items()
    ]
    refused = "; `--min-quality 0.1` refuses the worst tenth of these faces" if fitted.quality else ""
    return "; ".join(told) + rare + refused


def _front_matter(spec: BundleSpec) -> str:
    """YAML, whose values are written as JSON: every JSON value is a YAML value."""
    sources = list(spec.training.sources)
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


def _results(metrics: Mapping[str, Headline], sources: list[str]) -> list[dict[str, Any]]:
    """The figures that Hugging Face knows by name, as its model index lists them."""
    names = {"mae": "mae", "gender_accuracy": "accuracy", "gender_macro_f1": "f1"}
    return [
        {
            "task": {"type": "image-classification", "name": "age and gender from a face"},
            "dataset": {"name": f"{' + '.join(sources) or 'own'} {split}", "type": "faces", "split": split},
            "metrics": [
                {"type": name, "name": FIGURES[key].title(), "value": round(measured.figures[key].value, 4)}
                for key, name in names.items()
                if key in measured.figures
            ],
        }
        for split, measured in metrics.items()
    ]
