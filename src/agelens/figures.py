"""The one table of figures: what each is called, its unit, and how it is written.

The terminal, the model card and the report name and write every figure through it. ``Table`` is what they
share for several figures: plain text cells, which each of the three lays out in its own way. How a person
reads a probability and a gender stands here too; ``web/src/figures.ts`` says the same in the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from agelens.ages import ADULT
from agelens.metrics import Estimate

#: Colours that stay apart for colour-blind eyes (Okabe & Ito 2008), and a grey for what has none.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#8a8f98"

#: How a figure is written. Intervals are years wide, so their widths need one digit only.
YEARS, SIGNED_YEARS, WIDTH = "{:.2f}", "{:+.2f}", "{:.1f}"
SHARE, SCORE, NATS = "{:.1%}", "{:.3f}", "{:.4f}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure."""

    key: str  # its name in JSON
    name: str  # for people; ``{level}`` stands for the level of the age intervals
    form: str  # the format of its value
    unit: str = ""  # ``years``, ``nats``, or nothing
    short: str = ""  # its name as the head of a column

    def label(self, level: float | None = None, *, short: bool = False) -> str:
        """Its name; ``level`` is that of the age intervals it was measured on, None if not known."""
        name = (self.short if short else "") or self.name
        return " ".join(name.format(level="" if level is None else percent(level)).split())

    def title(self, level: float | None = None, *, short: bool = False) -> str:
        """Its name and unit."""
        return ", ".join(filter(None, (self.label(level, short=short), self.unit)))

    def written(self, value: float | None) -> str:
        """Its value as text; nothing for None."""
        return "" if value is None else self.form.format(value)

    def with_interval(self, estimate: Estimate | None) -> str:
        """Its value and bootstrap interval, as ``4.64 [4.49, 4.79]``; nothing for None."""
        if estimate is None:
            return ""
        form = self.form.format
        return f"{form(estimate.value)} [{form(estimate.low)}, {form(estimate.high)}]"

    def difference(self, estimate: Estimate, *, signed: bool = True) -> str:
        """A difference of two of its values with its interval; of shares in percentage points."""
        scale, digits, unit = (100, 1, "points") if self.form == SHARE else (1, 2, self.unit)
        form = f"{'+' if signed else ''}.{3 if self.form == SCORE else digits}f"
        value, low, high = (format(scale * part, form) for part in astuple(estimate))
        return f"{value}{unit and ' '}{unit} [{low}, {high}]"


#: Every figure, in the order in which they are shown.
FIGURES: dict[str, Figure] = {
    figure.key: figure
    for figure in (
        Figure("score", "competition score", SCORE, short="score"),
        Figure("mae", "age MAE", YEARS, "years", short="MAE"),
        Figure("rmse", "age RMSE", YEARS, "years", short="RMSE"),
        Figure("bias", "age bias", SIGNED_YEARS, "years", short="bias"),
        Figure("cs5", "ages within 5 years", SHARE),
        Figure("crps", "age CRPS", YEARS, "years"),
        Figure("age_kl", "age KL divergence", NATS, "nats"),
        Figure("gender_accuracy", "gender accuracy", SHARE),
        Figure("gender_macro_f1", "gender macro F1", SCORE),
        Figure("gender_ce", "gender cross-entropy", NATS, "nats"),
        Figure("interval_coverage", "coverage of {level} intervals", SHARE, short="{level} intervals hold"),
        Figure("interval_width", "width of {level} intervals", WIDTH, "years", short="{level} width"),
        Figure("uncalibrated_coverage", "coverage of uncalibrated {level} intervals", SHARE),
        Figure("uncalibrated_width", "width of uncalibrated {level} intervals", WIDTH, "years"),
        Figure("adult_calibration_error", f"calibration error of P(age ≥ {ADULT})", SCORE),
        Figure("gender_calibration_error", "calibration error of gender", SCORE),
        Figure("nll", "NLL", NATS, "nats a face"),
        Figure("threshold", "--min-quality", SCORE),
        Figure("answered", "faces answered", SHARE),
        Figure("minors_passed", "of them pass", SHARE),
        Figure("adults_turned_away", "of the others turned away", SHARE),
        Figure("roc_area", "area under the ROC curve", SCORE),
    )
}


def figure_of(key: str) -> Figure:
    """A figure by its key; by group, the coverage of the intervals is called ``coverage`` for short."""
    return FIGURES["interval_coverage" if key == "coverage" else key]


#: A gender of less probability is doubtful, and shown so: of such answers a quarter or more are wrong.
DOUBTFUL = 0.75


def certainty(probability: float | None, digits: int = 0) -> str:
    """A probability as a person reads it, to so many decimals of a percent.

    No answer is 100 % sure, and none impossible: those are ``>99%`` and ``<1%``. A dash where there is none.
    """
    if probability is None:
        return "–"
    written, least = f"{probability:.{digits}%}", 10.0**-digits
    if written == f"{1:.{digits}%}":
        return f">{100 - least:.{digits}f}%"
    return f"<{least:.{digits}f}%" if written == f"{0:.{digits}%}" else written


def is_doubtful(gender_probability: float | None) -> bool:
    """Whether a gender was answered, and is little more than a guess."""
    return gender_probability is not None and gender_probability < DOUBTFUL


def gender_word(gender: str | None, probability: float | None) -> str:
    """A gender as it is shown: ``female``, ``female?`` where it is doubtful, a dash where there is none."""
    if gender is None:
        return "–"
    return f"{gender}?" if is_doubtful(probability) else str(gender)


def percent(share: float) -> str:
    """A level in percent without rounding it away: 0.9 -> ``90 %``, 0.975 -> ``97.5 %``."""
    return f"{round(100 * share, 6):g} %"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as plain text."""

    title: str  # what it shows; may be empty
    columns: Sequence[str]  # the heads
    rows: Sequence[Sequence[str]]  # as many cells each as there are columns
    text: int = 1  # columns, from the left, that hold words; the others hold numbers and are right-aligned
    note: str = ""  # said below; may be empty
