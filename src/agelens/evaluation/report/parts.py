"""What the report's sections are made of: figures with their intervals, and tables, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from agelens.metrics import Estimate


def written(key: str, value: float) -> str:
    """A figure as the report writes it."""
    return (
        f"{value:.1%}" if key == "gender_accuracy" else f"{value:.3f}" if key == "score" else f"{value:.2f}"
    )


def with_interval(figure: Estimate, form: str, scale: float) -> str:
    """A figure with its bootstrap interval."""
    value, low, high = (scale * number for number in (figure.value, figure.low, figure.high))
    return f"{form.format(value)} [{low:.2f}, {high:.2f}]"


def difference(key: str, figure: Estimate) -> str:
    """A paired difference, signed, with its interval."""
    scale, digits, unit = (100, 1, " points") if key == "gender_accuracy" else (1, 3, "")
    value, low, high = (f"{scale * part:+.{digits}f}" for part in (figure.value, figure.low, figure.high))
    return f"{value}{unit} [{low}, {high}]"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls sideways where it is wider than the page; cells are HTML already."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'
