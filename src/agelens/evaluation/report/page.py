"""One self-contained HTML page on how good a model is, for whom, and how sure; no network needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from agelens.evaluation.compare import Comparison
from agelens.evaluation.report import sections
from agelens.evaluation.report.style import STYLE
from agelens.evaluation.run import Evaluation
from agelens.files import write_text


@dataclass(frozen=True, slots=True)
class Subject:
    """What the report is about.

    Attributes:
        model: its name.
        split: what it was measured on.
        licence: of the weights.
        command: that makes the report again.
        root: the folder that the images' paths start from.
    """

    model: str
    split: str
    licence: str
    command: str
    root: Path


def write_report(
    folder: Path,
    subject: Subject,
    evaluation: Evaluation,
    comparisons: Sequence[Comparison] = (),
    *,
    faces: bool = False,
) -> Path:
    """Write ``index.html``.

    Args:
        folder: receives the page.
        subject: what it is about.
        evaluation: the figures and the single predictions.
        comparisons: other models on the same faces.
        faces: show the largest errors as pictures; off unless asked for, since they are people's.

    Returns:
        The page.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    parts = [
        ("Headline", sections.headline(evaluation)),
        ("Beside other models", sections.comparisons(subject.model, comparisons)),
        ("Age", sections.age(evaluation)),
        ("Do the intervals hold?", sections.coverage(evaluation)),
        ("Are the probabilities honest?", sections.reliability(evaluation)),
        ("By group", sections.groups(evaluation.groups, evaluation.gaps)),
        ("Age checks", sections.checks(evaluation.age_checks)),
        ("Refusing the doubtful", sections.risk(evaluation)),
        ("The largest errors", sections.worst(evaluation.predictions, subject.root) if faces else ""),
        ("Make this report again", f"<pre>{escape(subject.command)}</pre>"),
    ]
    body = "".join(f"<section><h2>{name}</h2>{content}</section>" for name, content in parts if content)
    title = f"{escape(subject.model)} on {escape(subject.split)}"
    unread = f", {len(evaluation.problems)} unreadable ones left out" if evaluation.problems else ""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><header><h1>{title}</h1>"
        f"<p>{evaluation.images} images{unread}, {evaluation.without_face} read whole for want of a face. "
        "Brackets and bars are 95 % bootstrap intervals. Gender is the data's binary label, not a person's "
        f"identity. Licence of the weights: {escape(subject.licence)}.</p></header>{body}</body></html>\n"
    )
    write_text(folder / "index.html", page)
    return folder / "index.html"
