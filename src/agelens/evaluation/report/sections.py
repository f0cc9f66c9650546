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
from agelens.evaluation.comparison import Comparison
from agelens.evaluation.predictions import Predictions
from agelens.evaluation.report import charts
from agelens.evaluation.run import Evaluation
from agelens.faces.images import open_image, resize_to_square
from agelens.figures import FIGURES, Table
from agelens.labels import Gender
from agelens.models import tables
from agelens.models.measurement import EVERYBODY, SMALL, Measurement

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
    return f'{title}<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>{note}'


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
    """The error of every group, small ones marked; the gaps between them; all attributes crossed."""
    plain = [group for group in measured.groups if not group.crossed]
    crossed = [group for group in measured.groups if group.crossed]
    summary = f"Age, gender and group crossed: {len(crossed)} groups"
    more = _details(summary, tables.group_table(crossed, measured.level)) if crossed else ""
    shown = (
        tables.group_table(plain, measured.level),
        tables.gap_table(measured),
        tables.left_out_table(measured),
    )
    return "".join(map(html_table, shown)) + more


def checks(measured: Measurement) -> str:
    """Who passes an age check, by challenge age."""
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
    return chart + html_table(tables.check_table(everybody)) + more


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
