"""What was measured, as plain tables: the same for the terminal, the model card and the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agelens.ages import ADULT
from agelens.conformal import REPORTED_LEVELS
from agelens.figures import FIGURES, Table, figure_of, percent
from agelens.metrics import Estimate
from agelens.models.measurement import EVERYBODY, SMALL, AgeCheck, GroupError, Headline, Measurement


def figure_table(measured: Headline) -> Table:
    """Every figure with its bootstrap interval."""
    rows = [
        (figure.title(measured.level), figure.with_interval(measured.figures[figure.key]))
        for figure in FIGURES.values()
        if figure.key in measured.figures
    ]
    return Table("", ("figure", "value [95 % bootstrap interval]"), rows)


def group_table(groups: Iterable[GroupError], level: float | None) -> Table:
    """The error of each group; small groups are marked. ``level`` is that of the groups' coverage."""
    keys = ("mae", "bias", "gender_accuracy", "coverage")
    rows = [
        (
            (f"age {group.name}" if group.by == "age" else group.name) + (" *" if group.small else ""),
            str(group.images),
            *(figure_of(key).written(getattr(group, key)) for key in keys),
        )
        for group in groups
    ]
    heads = [figure_of(key).title(level, short=True) for key in keys]
    note = f"* fewer than {SMALL} faces." if any(row[0].endswith(" *") for row in rows) else ""
    return Table("", ("group", "images", *heads), rows, note=note)


def gap_table(measured: Measurement) -> Table:
    """Whom the model serves worst and whom best, in each cut and figure."""
    rows = [
        (
            f"{figure.label(measured.level, short=True)} by {gap.by}",
            f"{gap.worst}: {figure.written(gap.worst_value)}",
            f"{gap.best}: {figure.written(gap.best_value)}",
            figure.difference(gap.gap, signed=False),
        )
        for gap, figure in ((gap, figure_of(gap.figure)) for gap in measured.gaps)
    ]
    return Table("Gaps between groups", ("gap in", "served worst", "served best", "gap"), rows, text=3)


def coverage_table(measured: Measurement) -> Table:
    """How often intervals hold at each reported level, by band of predicted age."""
    figure, width, at = FIGURES["interval_coverage"], FIGURES["interval_width"], REPORTED_LEVELS.index(0.9)
    rows = [
        (band.band, str(band.images), *map(figure.written, band.held), width.written(band.widths[at]))
        for band in measured.coverage
    ]
    heads = ("predicted age", "images", *map(percent, REPORTED_LEVELS), width.title(0.9, short=True))
    return Table("Coverage of age intervals, by level and band of predicted age", heads, rows)


def check_table(checks: Sequence[AgeCheck]) -> Table:
    """Who passes an age check, by threshold and challenge age, and by whom it was measured on."""
    passed, turned_away = FIGURES["minors_passed"], FIGURES["adults_turned_away"]
    among = any(check.among != EVERYBODY for check in checks)
    rows = [
        (
            *([check.among] if among else []),
            str(check.threshold),
            str(check.challenge),
            str(check.minors),
            passed.with_interval(Estimate(check.passed, *check.interval)),
            turned_away.with_interval(Estimate(check.turned_away or 0, *check.turned_away_interval))
            if check.turned_away_interval
            else turned_away.written(check.turned_away),
        )
        for check in checks
    ]
    heads = ["among"] * among + ["for people of", "passes from", "faces below"]
    title = (
        "A check passes a face whose predicted age reaches the challenge age; brackets are Wilson intervals."
    )
    return Table(title, (*heads, passed.title(), turned_away.title()), rows)


def risk_table(measured: Measurement) -> Table:
    """The error that remains when the faces of least quality are refused."""
    names = ("answered", "threshold")
    errors = ("mae", "gender_accuracy")
    rows = [
        (
            *(FIGURES[key].written(getattr(row, key)) for key in names),
            *(FIGURES[key].with_interval(getattr(row, key)) for key in errors),
        )
        for row in measured.risk_coverage
    ]
    return Table("", [FIGURES[key].title(short=True) for key in (*names, *errors)], rows)


def summary(measured: Measurement) -> list[Table]:
    """The tables that the terminal and the card show; empty ones are left out."""
    plain = [group for group in measured.groups if not group.crossed]
    checks = [check for check in measured.age_checks if (check.threshold, check.among) == (ADULT, EVERYBODY)]
    tables = [
        figure_table(measured),
        group_table(plain, measured.level),
        gap_table(measured),
        coverage_table(measured),
        check_table(checks),
    ]
    return [table for table in tables if table.rows]
