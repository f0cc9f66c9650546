"""The practice statement: what an operator of an age check must publish, filled in from a bundle.

Its parts are those that ISO/IEC 27566-1:2025 names: function, performance, privacy, security, acceptability.
"""

from __future__ import annotations

from importlib import resources

from agelens.models import tables
from agelens.models.bundle import Bundle
from agelens.models.card import markdown
from agelens.models.measurement import Measurement
from agelens.version import __version__


def practice_statement(bundle: Bundle) -> str:
    """The statement as Markdown; what only the operator knows is marked ``[operator]``."""
    spec, measurements = bundle.spec, bundle.measurements()
    text = (resources.files("agelens") / "assets" / "practice_statement.md").read_text(encoding="utf-8")
    points = {one.point for one in measurements.values() if one.point}
    return text.format(
        name=spec.name,
        version=__version__,
        fingerprint=bundle.fingerprint,
        licence=spec.licence,
        data=", ".join(spec.training.sources) or "not stated",
        point=" or ".join(sorted(points)) or "mean",
        performance="\n\n".join(_performance(split, one) for split, one in measurements.items())
        or "**Not measured.** `agelens evaluate --write` records the figures in the bundle.",
    )


def _performance(split: str, measured: Measurement) -> str:
    """One measurement: the figures, then the age checks by gender and group, then the errors."""
    how = f" ({measured.conditions})" if measured.conditions else ""
    plain = [group for group in measured.groups if not group.crossed]
    parts = [
        f"### On {split}",
        f"{measured.images} images{how}.",
        *(
            markdown(table)
            for table in (
                tables.figure_table(measured),
                tables.check_table(measured.age_checks),
                tables.group_table(plain, measured.level),
                tables.risk_table(measured),
            )
            if table.rows
        ),
    ]
    return "\n\n".join(parts)
