"""The sections of the report: each takes what was measured and answers HTML, or nothing to say."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from agelens import ages
from agelens.ages import ADULT
from agelens.conformal import REPORTED_LEVELS
from agelens.errors import ImageError
from agelens.evaluation.age_checks import EVERYBODY, AgeCheck
from agelens.evaluation.compare import Comparison
from agelens.evaluation.gaps import LABELS, Gap
from agelens.evaluation.groups import SMALL, GroupError, Prediction
from agelens.evaluation.report import charts
from agelens.evaluation.report.parts import difference, table, with_interval, written
from agelens.evaluation.run import Evaluation
from agelens.faces.images import open_image, resize_to_square

#: The largest errors shown as pictures, where that is asked for.
WORST = 24

_HEADLINE = (
    ("score", "competition score", "{:.3f}"),
    ("mae", "age MAE, years", "{:.2f}"),
    ("rmse", "age RMSE, years", "{:.2f}"),
    ("cs5", "ages within 5 years", "{:.1%}"),
    ("crps", "age CRPS, years", "{:.2f}"),
    ("gender_accuracy", "gender accuracy", "{:.1%}"),
    ("adult_calibration_error", f"ECE of P(age ≥ {ADULT})", "{:.3f}"),
    ("gender_calibration_error", "ECE of gender", "{:.3f}"),
)
_COMPARED = {
    "score": "score",
    "mae": "MAE, years",
    "rmse": "RMSE, years",
    "gender_accuracy": "gender accuracy",
}


def headline(evaluation: Evaluation) -> str:
    """The main figures as tiles, with their intervals."""
    tiles = [
        f'<div class="tile"><b>{form.format(figure.value)}</b><span>{label}</span>'
        f"<small>{form.format(figure.low)} – {form.format(figure.high)}</small></div>"
        for key, label, form in _HEADLINE
        if (figure := evaluation.figures.get(key)) is not None
    ]
    return f'<div class="tiles">{"".join(tiles)}</div>'


def comparisons(model: str, comparisons: Sequence[Comparison]) -> str:
    """Other models on the same faces."""
    parts = []
    for other in comparisons:
        rows = [
            [
                label,
                written(key, other.ours[key]),
                written(key, other.theirs[key]),
                difference(key, other.differences[key]),
            ]
            for key, label in _COMPARED.items()
        ]
        head = ["", model, other.name, "difference (paired)"]
        parts.append(f"<p>The {other.images} faces that both answered.</p>{table(head, rows)}")
    return "".join(parts)


def age(evaluation: Evaluation) -> str:
    """Where the answers lie, and the error by true age."""
    known = [(p.sample.age, p.age) for p in evaluation.predictions if p.sample.age is not None]
    if not known:
        return ""
    true, answer = np.array(known).T
    return (
        f'<div class="pair"><figure>{charts.predicted_against_true(true, answer)}'
        "<figcaption>Predicted against true age; darker where more faces lie.</figcaption></figure>"
        f"<figure>{charts.error_by_age(evaluation.groups)}"
        "<figcaption>Error by true age. A bias above 0 means answered too old.</figcaption></figure></div>"
    )


def coverage(evaluation: Evaluation) -> str:
    """How often intervals hold, by band of predicted age."""
    if not evaluation.coverage:
        return ""
    head = ["predicted age", "faces", *(f"{level:.0%}" for level in REPORTED_LEVELS), "90% width"]
    rows = [
        [
            band.band,
            str(band.images),
            *(f"{held:.1%}" for held in band.held),
            f"{band.widths[REPORTED_LEVELS.index(0.9)]:.1f}",
        ]
        for band in evaluation.coverage
    ]
    chart = charts.coverage(evaluation.coverage, REPORTED_LEVELS)
    return f"<figure>{chart}</figure>{table(head, rows)}"


def reliability(evaluation: Evaluation) -> str:
    """Whether what is given a probability comes true so often."""
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    samples = [p.sample for p in evaluation.predictions]
    aged = np.array([sample.age is not None for sample in samples])
    if aged.any():
        of_age = np.array([sample.age or 0 for sample in samples])[aged] >= ADULT
        curves[f"age ≥ {ADULT}"] = of_age, ages.survival(evaluation.reading.age[aged], ADULT)
    gendered = np.array([sample.gender is not None for sample in samples])
    if gendered.any():
        female = np.array([str(sample.gender) == "female" for sample in samples])[gendered]
        curves["female"] = female, evaluation.reading.gender[gendered, 1]
    if not curves:
        return ""
    caption = "Bins of fewer than five faces are left out."
    return f'<figure class="small">{charts.reliability(curves)}<figcaption>{caption}</figcaption></figure>'


def groups(groups: Sequence[GroupError], gaps: Sequence[Gap]) -> str:
    """The error of every group, small ones marked; the gaps between them; all attributes crossed."""
    plain = [group for group in groups if not group.crossed]
    crossed = [group for group in groups if group.crossed]
    parts = [_group_table(plain), _gap_table(gaps)]
    if crossed:
        summary = f"Age, gender and group crossed: {len(crossed)} groups"
        parts.append(f"<details><summary>{summary}</summary>{_group_table(crossed)}</details>")
    return "".join(parts) if groups else ""


def _group_table(groups: Sequence[GroupError]) -> str:
    rows = [
        [
            (f"age {group.name}" if group.by == "age" else escape(group.name))
            + (" *" if group.small else ""),
            str(group.images),
            "" if group.mae is None else f"{group.mae:.2f}",
            "" if group.bias is None else f"{group.bias:+.2f}",
            "" if group.coverage is None else f"{group.coverage:.1%}",
            "" if group.gender_accuracy is None else f"{group.gender_accuracy:.1%}",
        ]
        for group in groups
    ]
    note = f"<p>* fewer than {SMALL} faces.</p>" if any(group.small for group in groups) else ""
    return table(["group", "faces", "MAE", "bias", "intervals hold", "gender"], rows) + note


def _gap_table(gaps: Sequence[Gap]) -> str:
    rows = []
    for gap in gaps:
        scale, form = (1, "{:.2f}") if gap.figure == "mae" else (100, "{:.1f} %")
        worst, best = form.format(scale * gap.worst_value), form.format(scale * gap.best_value)
        low, middle, high = (scale * bound for bound in (gap.gap.low, gap.gap.value, gap.gap.high))
        rows.append(
            [
                f"{LABELS[gap.figure]} by {escape(gap.by)}",
                f"{escape(gap.worst)}: {worst}",
                f"{escape(gap.best)}: {best}",
                f"{middle:.2f} [{low:.2f}, {high:.2f}]",
            ]
        )
    head = ["gap in", "served worst", "served best", "gap, years or points"]
    return f'<h3>Gaps between groups</h3><div class="wrap">{table(head, rows)}</div>' if rows else ""


def checks(checks: Sequence[AgeCheck]) -> str:
    """Who passes an age check, by challenge age."""
    shown = [check for check in checks if check.among == EVERYBODY]
    others = [check for check in checks if check.among != EVERYBODY]
    head = ["for people of", "passes from", "faces below", "of them pass", "of the others turned away"]
    explained = (
        "<p>A check passes a face whose predicted age reaches the challenge age. Intervals are Wilson's.</p>"
    )
    more = table(["among", *head], [[escape(check.among), *_check(check)] for check in others])
    by_group = f"<details><summary>By gender and group</summary>{more}</details>" if others else ""
    return explained + table(head, [_check(check) for check in shown]) + by_group if checks else ""


def _check(check: AgeCheck) -> list[str]:
    return [
        f"{check.threshold}",
        f"{check.challenge}",
        str(check.minors),
        f"{check.passed:.1%} [{check.interval[0]:.1%}, {check.interval[1]:.1%}]",
        "" if check.turned_away is None else f"{check.turned_away:.1%}",
    ]


def risk(evaluation: Evaluation) -> str:
    """The error that remains when the most doubtful are refused."""
    faces = [p for p in evaluation.predictions if p.sample.age is not None]
    if len(faces) < SMALL:
        return ""
    error = [abs(face.age - (face.sample.age or 0)) for face in faces]
    doubts = {
        "by quality": [-face.quality for face in faces],
        "by the interval's width": [face.interval[1] - face.interval[0] for face in faces],
    }
    rows = [
        [
            f"{row.answered:.0%}",
            f"{row.min_quality:.3f}",
            "" if row.mae is None else with_interval(row.mae, "{:.2f}", 1),
            "" if row.gender_accuracy is None else with_interval(row.gender_accuracy, "{:.1f} %", 100),
        ]
        for row in evaluation.refusing
    ]
    caption = (
        "The error that remains when the least sure faces are refused. Quality is the detector's confidence, "
        "the face's size, sharpness and the certainty of the answer in one; <code>agelens predict "
        "--min-quality</code> refuses by it."
    )
    figure = f"<figure>{charts.risk_by_share(error, doubts)}<figcaption>{caption}</figcaption></figure>"
    return figure + table(["faces answered", "--min-quality", "MAE", "gender"], rows)


def worst(predictions: Sequence[Prediction], root: Path) -> str:
    """The largest errors, as pictures."""
    known = [p for p in predictions if p.sample.age is not None]
    worst = sorted(known, key=lambda p: abs(p.age - (p.sample.age or 0)), reverse=True)[:WORST]
    cells = []
    for p in worst:
        try:
            pixels = resize_to_square(open_image(root / p.sample.image).pixels, 112)
        except ImageError:
            continue
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
        data = base64.b64encode(buffer.getvalue()).decode()
        caption = f"labelled {p.sample.age:g}, answered {p.age:.0f}"
        picture = f'<img alt="{caption}" src="data:image/jpeg;base64,{data}">'
        cells.append(f"<figure>{picture}<figcaption>{caption}</figcaption></figure>")
    return f'<div class="faces">{"".join(cells)}</div>'
