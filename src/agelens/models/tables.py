"""What was measured, as plain tables: the same for the terminal, the model card and the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from agelens.ages import ADULT
from agelens.conformal import REPORTED_LEVELS
from agelens.figures import FIGURES, Figure, Table, figure_of, percent
from agelens.metrics import Estimate
from agelens.models.measurement import (
    EVERYBODY,
    EYES,
    REFUSAL_THRESHOLDS,
    SMALL,
    AgeCheck,
    Coverage,
    GroupError,
    Headline,
    LeftOut,
    Measurement,
)


def figure_table(measured: Headline) -> Table:
    """Every figure with its bootstrap interval."""
    rows = [
        (figure.title(measured.level), figure.with_interval(measured.figures[figure.key]))
        for figure in FIGURES.values()
        if figure.key in measured.figures
    ]
    return Table("", ("figure", "value [95 % bootstrap interval]"), rows)


def data_set_table(measurements: Mapping[str, Headline], unseen: Sequence[Coverage] = ()) -> Table:
    """The main figures of each data set, by its name.

    ``unseen`` is the coverage of the intervals on data sets that were left out of their fit.
    """
    keys = ("mae", "gender_accuracy", "score", "interval_coverage")
    levels = {measured.level for measured in measurements.values()}
    level = levels.pop() if len(levels) == 1 else None
    rows = [
        # In two lines, so that a terminal has room for all of it.
        (f"{name},\n{one.images} images", *(_below(figure_of(key), one.figures.get(key)) for key in keys))
        for name, one in measurements.items()
    ]
    return Table(
        "", ("data", *(figure_of(key).title(level, short=True) for key in keys)), rows, note=_expected(unseen)
    )


def _below(figure: Figure, estimate: Estimate | None) -> str:
    """A figure, its interval in the line below it."""
    return figure.with_interval(estimate).replace(" [", "\n[")


def _expected(unseen: Sequence[Coverage]) -> str:
    """What to expect of intervals on photos unlike all of these."""
    if not unseen:
        return ""
    held, at = FIGURES["interval_coverage"], REPORTED_LEVELS.index(0.9)
    each = ", ".join(f"{held.written(one.held[at])} of {one.band}" for one in unseen)
    return (
        f"Expect on photos unlike all of these: of a set left out of their fit, 90 % intervals held {each}."
    )


def group_table(groups: Iterable[GroupError], level: float | None, *, intervals: bool = False) -> Table:
    """The error of each group; small groups are marked. ``level`` is that of the groups' coverage.

    ``intervals`` writes the figures with theirs, for which a terminal has no room.
    """
    keys = ("mae", "bias", "gender_accuracy", "coverage")
    rows = [
        (
            _named(group) + (" *" if group.small else ""),
            str(group.images),
            *(_of_group(group, key, intervals) for key in keys),
        )
        for group in groups
    ]
    heads = [figure_of(key).title(level, short=True) for key in keys]
    note = f"* fewer than {SMALL} faces." if any(row[0].endswith(" *") for row in rows) else ""
    return Table("", ("group", "images", *heads), rows, note=note)


def _of_group(group: GroupError, key: str, intervals: bool) -> str:
    """A figure of a group, with its interval where that is wanted and known."""
    value, bounds = getattr(group, key), group.intervals.get(key)
    if not intervals or value is None or bounds is None:
        return figure_of(key).written(value)
    return figure_of(key).with_interval(Estimate(value, *bounds))


def _named(group: GroupError) -> str:
    """A group's name, with what it is of where the name does not say it."""
    before = {"age": "age ", EYES: "eyes apart "}
    return before.get(group.by, "") + group.name


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


def left_out_table(measured: Measurement) -> Table:
    """Who is too few for a gap, with the figures; of crossed groups, those below the worst that is named."""
    figures = {key: figure_of(key) for key in ("mae", "gender_accuracy", "coverage")}
    worst = {(gap.by, gap.figure): gap.worst_value for gap in measured.gaps}
    rows: dict[tuple[str, str], dict[str, LeftOut]] = defaultdict(dict)
    for one in measured.left_out:
        rows[one.by, one.name][one.figure] = one

    def named(by: str, own: dict[str, LeftOut]) -> bool:
        return "×" not in by or any(_worse(one, worst.get((by, one.figure))) for one in own.values())

    shown = {key: own for key, own in rows.items() if named(key[0], own)}
    cells = [
        (
            f"{name if '×' in by else f'{by} {name}' if by == 'age' else name}",
            str(max(one.images for one in own.values())),
            *(figure.written(own[key].value if key in own else None) for key, figure in figures.items()),
        )
        for (by, name), own in shown.items()
    ]
    others = len(rows) - len(shown)
    note = f"{others} more crossed groups are served no worse than the worst above." if others else ""
    heads = ("group", "images", *(one.title(measured.level, short=True) for one in figures.values()))
    title = f"Left out of the gaps, since fewer than {SMALL} faces carry the label: a few move these figures"
    return Table(title, heads, cells, note=note)


def _worse(one: LeftOut, worst: float | None) -> bool:
    """Whether a group is served worse than the worst that is named."""
    if worst is None:
        return False
    return one.value > worst if one.figure == "mae" else one.value < worst


def refusal_table(measured: Measurement) -> Table:
    """The share of each group's faces that is refused, by threshold of quality."""
    rows = [
        (
            f"age {one.name}" if one.by == "age" else one.name,
            str(one.images),
            *map(FIGURES["answered"].written, one.refused),
        )
        for one in measured.refusals
    ]
    heads = ("group", "images", *(f"below {threshold:g}" for threshold in REFUSAL_THRESHOLDS))
    return Table("Faces refused, by the lowest quality asked for", heads, rows)


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
        left_out_table(measured),
        refusal_table(measured),
        coverage_table(measured),
        check_table(checks),
    ]
    return [table for table in tables if table.rows]
