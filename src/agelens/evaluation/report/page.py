"""One self-contained HTML page on how good a model is, for whom, and how sure; no network needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path

from agelens.evaluation.comparison import Comparison
from agelens.evaluation.report import sections
from agelens.evaluation.run import Evaluation
from agelens.files import write_text


@dataclass(frozen=True, slots=True)
class Subject:
    """What the report says besides the figures."""

    licence: str  # of the weights
    command: str  # that makes the report again
    root: Path  # the folder that the images' paths start from


def write_report(
    folder: Path,
    subject: Subject,
    evaluation: Evaluation,
    comparisons: Sequence[Comparison] = (),
    *,
    faces: bool = False,
) -> Path:
    """Write ``index.html`` into a folder, and answer its path.

    ``comparisons`` are other models on the same faces. ``faces`` shows the largest errors as pictures; off
    unless asked for, since they are people's.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    measured = evaluation.measured
    worst = sections.largest_errors(evaluation.predictions, subject.root) if faces else ""
    parts = [
        ("Headline", sections.headline(measured)),
        ("Beside other models", sections.comparisons(measured.model, comparisons)),
        ("Age", sections.age(evaluation)),
        ("Gender", sections.gender(evaluation)),
        ("Do the intervals hold?", sections.coverage(measured)),
        ("Are the probabilities honest?", sections.reliability(evaluation)),
        ("By group", sections.groups(measured)),
        ("Age checks", sections.checks(evaluation)),
        ("Refusing the doubtful", sections.risk(evaluation)),
        ("The largest errors", worst),
        ("Make this report again", f"<pre>{escape(subject.command)}</pre>"),
    ]
    body = "".join(f"<section><h2>{name}</h2>{content}</section>" for name, content in parts if content)
    title = f"{escape(measured.model)} on {escape(measured.split)}"
    unread = f", {measured.unreadable} unreadable ones left out" if measured.unreadable else ""
    style = (resources.files("agelens.evaluation.report") / "report.css").read_text(encoding="utf-8")
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body><header><h1>{title}</h1>"
        f"<p>{measured.images} images{unread}, {measured.without_face} read whole for want of a face; "
        f"{escape(measured.conditions)}. "
        "Brackets are 95 % intervals: Wilson's of the shares of a group, else the bootstrap's. "
        "Gender is the data's binary label, not a person's "
        f"identity. Licence of the weights: {escape(subject.licence)}.</p></header>"
        f"<main>{body}</main></body></html>\n"
    )
    write_text(folder / "index.html", page)
    return folder / "index.html"
