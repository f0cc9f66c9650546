"""The sections of the report: each takes what was measured and answers HTML, or nothing to say."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import astuple
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from agelens import ages
from agelens.ages import ADULT
from agelens.conformal import REPORTED_LEVELS
from agelens.errors import ImageError
from agelens.evaluation.age_checks import wilson
from agelens.evaluation.comparison import Comparison
from agelens.evaluation.predictions import Predictions
from agelens.evaluation.report import charts
from agelens.evaluation.roc import RocCurve, roc_curves
from agelens.evaluation.run import Evaluation
from agelens.faces.images import open_image, resize_to_square
from agelens.figures import FIGURES, Table
from agelens.labels import GENDERS, Gender
from agelens.metrics import Estimate
from agelens.models import tables
from agelens.models.measurement import EVERYBODY, SMALL, AgeCheck, Measurement

#: The largest errors shown as pictures, where that is asked for.
WORST = 24

_HEADLINE = (
    "score", "mae", "rmse", "cs5", "crps", "gender_accuracy", "adult_calibration_error",
    "gender_calibration_error",
)  # fmt: skip


def html_table(table: Table) -> str:
    """A table that scrolls sideways where it is wider than the page; columns of words are wrapped."""

    def line(cells: Sequence[str], tag: str) -> str:
        words = (' class="words"' if column < table.text else "" for column in range(len(cells)))
        cells = [f"<{tag}{word}>{escape(cell)}</{tag}>" for word, cell in zip(words, cells, strict=True)]
        return f"<tr>{''.join(cells)}</tr>"

    if not table.rows:
        return ""
    head, body = line(table.columns, "th"), "".join(line(row, "td") for row in table.rows)
    title, note = (f"<p>{escape(text)}</p>" if text else "" for text in (table.title, table.note))
    return f"{title}{_scrolling(f'<table><thead>{head}</thead><tbody>{body}</tbody></table>')}{note}"


def _scrolling(table: str) -> str:
    """A table in a frame that the keyboard can reach, to scroll it."""
    return f'<div class="scroll" tabindex="0">{table}</div>'


def headline(measured: Measurement) -> str:
    """The main figures as tiles, with their intervals."""
    tiles = []
    for figure in (FIGURES[key] for key in _HEADLINE if key in measured.figures):
        value, low, high = map(figure.written, astuple(measured.figures[figure.key]))
        name = f"<span>{figure.title()}</span>"
        tiles.append(f'<div class="tile"><b>{value}</b>{name}<small>{low} – {high}</small></div>')
    return f'<div class="tiles">{"".join(tiles)}</div>'


def comparisons(model: str, comparisons: Sequence[Comparison]) -> str:
    """Other models on the same faces."""
    parts = []
    for other in comparisons:
        rows = []
        for key, difference in other.differences.items():
            title, written = FIGURES[key].title(), FIGURES[key].written
            own, their = written(other.ours[key]), written(other.theirs[key])
            rows.append((title, own, their, FIGURES[key].difference(difference)))
        heads = ("", model, other.name, "difference (paired)")
        parts.append(html_table(Table(f"The {other.images} faces that both answered.", heads, rows)))
    return "".join(parts)


def age(evaluation: Evaluation) -> str:
    """Where the answers lie, and the error by true age."""
    predictions = evaluation.predictions
    rows = predictions.exact
    if not rows.any():
        return ""
    return (
        '<div class="pair"><figure>'
        f"{charts.predicted_against_true(predictions.true_age[rows], predictions.age[rows])}"
        "<figcaption>Predicted against true age; darker where more faces lie.</figcaption></figure>"
        f"<figure>{charts.error_by_age(evaluation.measured.groups)}"
        "<figcaption>Error by true age. A bias above 0 means answered too old.</figcaption></figure></div>"
    )


def gender(evaluation: Evaluation) -> str:
    """The confusion matrix of gender: labels down, answers across, each a share of its label's faces."""
    predictions = evaluation.predictions
    rows = predictions.with_gender
    if not rows.any():
        return ""
    true, answer = predictions.true_gender[rows], predictions.gender[rows]
    share, lines = FIGURES["gender_accuracy"], []
    for label in GENDERS:
        faces = int((true == label.position).sum())
        small = " *" if faces < SMALL else ""
        cells = [f'<th scope="row">labelled {label}{small}</th><td>{faces}</td>']
        for other in GENDERS:
            count = int(((true == label.position) & (answer == other.position)).sum())
            if faces == 0:
                cells.append("<td>0</td>")
                continue
            written = share.with_interval(Estimate(count / faces, *wilson(count, faces)))
            tint = f"--share: {100 * count / faces:.0f}%"
            cells.append(f'<td style="{tint}"><b>{count}</b><small>{written}</small></td>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    heads = "".join(f'<th scope="col">answered {one}</th>' for one in GENDERS)
    note = f"<p>* fewer than {SMALL} faces.</p>" if " *</th>" in "".join(lines) else ""
    said = (
        "How often each label was answered so; shares are of its faces, in brackets their Wilson intervals."
    )
    head = f'<tr><td></td><th scope="col">images</th>{heads}</tr>'
    table = f'<table class="confusion"><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table>'
    return f"<p>{said}</p>{_scrolling(table)}{note}"


def coverage(measured: Measurement) -> str:
    """How often intervals hold, by band of predicted age."""
    if not measured.coverage:
        return ""
    chart = charts.coverage(measured.coverage, REPORTED_LEVELS)
    return f"<figure>{chart}</figure>{html_table(tables.coverage_table(measured))}"


def reliability(evaluation: Evaluation) -> str:
    """Reliability diagrams: the share that came true, by the probability stated."""
    predictions, reading = evaluation.predictions, evaluation.reading
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    aged, gendered = predictions.exact, predictions.with_gender
    if aged.any():
        of_age = predictions.true_age[aged] >= ADULT
        curves[f"age ≥ {ADULT}"] = of_age, ages.survival(reading.age[aged], ADULT)
    if gendered.any():
        female = predictions.true_gender[gendered] == Gender.FEMALE.position
        curves["female"] = female, reading.gender[gendered, 1]
    if not curves:
        return ""
    caption = "Bins of fewer than five faces are left out."
    return f'<figure class="small">{charts.reliability(curves)}<figcaption>{caption}</figcaption></figure>'


def groups(measured: Measurement) -> str:
    """The error of every group with its interval, small ones marked; the gaps; all attributes crossed."""
    plain = [group for group in measured.groups if not group.crossed]
    crossed = [group for group in measured.groups if group.crossed]
    summary = f"Age, gender and group crossed: {len(crossed)} groups"
    more = _details(summary, tables.group_table(crossed, measured.level, intervals=True)) if crossed else ""
    shown = (
        tables.group_table(plain, measured.level, intervals=True),
        tables.gap_table(measured),
        tables.left_out_table(measured),
    )
    return "".join(map(html_table, shown)) + more


def checks(evaluation: Evaluation) -> str:
    """Who passes an age check, by challenge age; and the ROC, which is all challenge ages at once."""
    measured, curves = evaluation.measured, roc_curves(evaluation.predictions)
    everybody = [check for check in measured.age_checks if check.among == EVERYBODY]
    others = [check for check in measured.age_checks if check.among != EVERYBODY]
    if not everybody:
        return ""
    more = _details("By gender and group", tables.check_table(others)) if others else ""
    caption = (
        "Full lines: faces younger than the age asked for that pass all the same. Dashed: faces of that age "
        "or older that are turned away. A higher challenge age moves errors from the first to the second."
    )
    chart = f"<figure>{charts.age_checks(everybody)}<figcaption>{caption}</figcaption></figure>"
    return _roc(curves, everybody) + chart + html_table(tables.check_table(everybody)) + more


def _roc(curves: Sequence[RocCurve], checks: Sequence[AgeCheck]) -> str:
    """The ROC curves, and the areas under them."""
    if not curves:
        return ""
    caption = (
        "The ROC of each check. Points are the challenge ages of the table below; those of the check for "
        f"{ADULT} bear their years. The scale of the younger ones is logarithmic."
    )
    area = FIGURES["roc_area"]
    rows = [
        (f"{one.threshold}{' *' * one.small}", str(one.minors), str(one.of_age), area.with_interval(one.area))
        for one in curves
    ]
    heads = ("for people of", "faces below", "faces of age", f"{area.title()} [95 % interval]")
    note = f"* fewer than {SMALL} faces on one side." if any(one.small for one in curves) else ""
    table = html_table(Table("", heads, rows, note=note))
    return f"<figure>{charts.roc(curves, checks)}<figcaption>{caption}</figcaption></figure>{table}"


def risk(evaluation: Evaluation) -> str:
    """The error that remains when the most doubtful faces are refused."""
    predictions = evaluation.predictions
    rows = predictions.exact
    if rows.sum() < SMALL:
        return html_table(tables.refusal_table(evaluation.measured))
    doubts = {
        "by quality": -predictions.quality[rows],
        "by the interval's width": (predictions.interval[:, 1] - predictions.interval[:, 0])[rows],
    }
    caption = (
        "The error that remains when the least sure faces are refused. Quality is the detector's confidence, "
        "the face's size, sharpness and the certainty of the answer, beside what is usual at that age, in "
        "one: the share of the calibration faces that had less of it, where the model's calibration knows "
        "the detector. <code>agelens predict --min-quality</code> refuses by it."
    )
    chart = charts.risk_by_share(np.abs(predictions.signed_error[rows]), doubts)
    figure = f"<figure>{chart}<figcaption>{caption}</figcaption></figure>"
    shown = tables.risk_table(evaluation.measured), tables.refusal_table(evaluation.measured)
    return figure + "".join(map(html_table, shown))


def largest_errors(predictions: Predictions, root: Path) -> str:
    """The largest errors, as pictures."""
    error = np.where(predictions.exact, np.abs(predictions.signed_error), -1)
    cells = []
    for row in np.argsort(-error, kind="stable")[: min(WORST, predictions.exact.sum())]:
        try:
            pixels = resize_to_square(open_image(root / predictions.samples[row].image).pixels, 112)
        except ImageError:
            continue
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
        data = base64.b64encode(buffer.getvalue()).decode()
        caption = f"labelled {predictions.true_age[row]:g}, answered {predictions.age[row]:.0f}"
        picture = f'<img alt="{caption}" src="data:image/jpeg;base64,{data}">'
        cells.append(f"<figure>{picture}<figcaption>{caption}</figcaption></figure>")
    return f'<div class="faces">{"".join(cells)}</div>'


def _details(summary: str, table: Table) -> str:
    return f"<details><summary>{summary}</summary>{html_table(table)}</details>"
