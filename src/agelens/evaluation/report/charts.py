"""The report's charts, as inline SVG; each says in its title what it shows and in its axes the unit."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from agelens.ages import ADULT
from agelens.errors import require
from agelens.evaluation.roc import RocCurve
from agelens.figures import BLUE, FIGURES, GREEN, GREY, ORANGE, PURPLE
from agelens.models.measurement import AgeCheck, Coverage, GroupError


def predicted_against_true(true: ArrayLike, answer: ArrayLike) -> str:
    """Where the answers lie for each true age: a density of faces, with the line of no error; (n,) years."""
    figure, axis = _axes(5.2, 4.6)
    whole = [[0, 100], [0, 100]]
    counts, edges, _ = np.histogram2d(np.asarray(true), np.asarray(answer), bins=50, range=whole)
    shown = np.ma.masked_equal(np.log1p(counts.T), 0)
    axis.pcolormesh(edges, edges, shown, cmap="Blues", vmin=-0.6, rasterized=True)
    axis.plot([0, 100], [0, 100], color=ORANGE, linewidth=1)
    axis.set(xlabel="true age, years", ylabel="predicted age, years", xlim=(0, 100), ylim=(0, 100))
    axis.set_aspect("equal")
    return _svg(figure)


def error_by_age(groups: Sequence[GroupError]) -> str:
    """MAE as bars and bias as points, by band of true age."""
    bands = [group for group in groups if group.by == "age" and group.mae is not None]
    figure, axis = _axes(6.4, 3.4)
    places, (mae, bias) = np.arange(len(bands)), (FIGURES[key].label(short=True) for key in ("mae", "bias"))
    axis.bar(places, [group.mae for group in bands], color=BLUE, alpha=0.35, label=mae)
    axis.plot(places, [group.bias for group in bands], "o-", color=ORANGE, label=bias)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set_xticks(places, [group.name for group in bands])
    axis.set(xlabel="true age, years", ylabel="error, years")
    axis.legend(frameon=False)
    return _svg(figure)


def reliability(curves: Mapping[str, tuple[ArrayLike, ArrayLike]], bins: int = 10) -> str:
    """Reliability diagrams: name -> (happened, probability stated), each (n,)."""
    figure, axis = _axes(4.6, 4.2)
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    for (name, (happened, stated)), colour in zip(curves.items(), (BLUE, ORANGE), strict=False):
        outcome, probability = np.asarray(happened, float), np.asarray(stated, float)
        of_bin = np.minimum((probability * bins).astype(int), bins - 1)
        chosen = [rows for rows in (of_bin == index for index in range(bins)) if rows.sum() >= 5]
        x, y = ([values[rows].mean() for rows in chosen] for values in (probability, outcome))
        axis.plot(x, y, "o-", color=colour, label=name, markersize=4)
    axis.set(xlabel="probability stated", ylabel="share that came true", xlim=(0, 1), ylim=(0, 1))
    axis.set_aspect("equal")
    axis.legend(frameon=False)
    return _svg(figure)


def coverage(bands: Sequence[Coverage], levels: Sequence[float]) -> str:
    """How often intervals hold, by band of predicted age; the lines are the levels promised."""
    figure, axis = _axes(6.4, 3.4)
    places = np.arange(len(bands))
    for column, level in enumerate(levels):
        colour = (BLUE, ORANGE, GREEN, PURPLE)[column % 4]
        axis.axhline(level, color=colour, linewidth=0.8, alpha=0.6)
        held = [band.held[column] for band in bands]
        axis.plot(places, held, "o", color=colour, label=f"{level:.0%}", markersize=5)
    axis.set_xticks(places, [f"{band.band}\n{band.images}" for band in bands])
    axis.set(xlabel="predicted age, years; faces", ylabel="share of intervals that hold", ylim=(0.3, 1.01))
    axis.legend(frameon=False, ncols=len(levels), loc="lower center", title="promised")
    return _svg(figure)


def age_checks(checks: Sequence[AgeCheck]) -> str:
    """Who passes an age check and who is turned away, by challenge age: two lines for each age asked."""
    figure, axis = _axes(6.4, 3.6)
    thresholds = sorted({check.threshold for check in checks})
    for threshold, colour in zip(thresholds, (BLUE, ORANGE, GREEN, PURPLE, GREY), strict=False):
        own = [check for check in checks if check.threshold == threshold]
        challenge = [check.challenge for check in own]
        label = f"asked for {threshold}"
        axis.plot(challenge, [check.passed for check in own], "o-", color=colour, label=label, markersize=4)
        away = [np.nan if check.turned_away is None else check.turned_away for check in own]
        axis.plot(challenge, away, "o--", color=colour, markersize=4, fillstyle="none")
    axis.set(xlabel="passes from a predicted age of, years", ylabel="share of faces", ylim=(0, None))
    axis.yaxis.set_major_formatter(lambda share, place: f"{share:.0%}")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(frameon=False, fontsize="small")
    return _svg(figure)


def roc(curves: Sequence[RocCurve], checks: Sequence[AgeCheck]) -> str:
    """The ROC of age checks, a point where one was measured; the share of the younger ones on a log axis."""
    figure, axis = _axes(6.4, 4.2)
    least = 0.5 / max(curve.minors for curve in curves)
    for curve, colour in zip(curves, (BLUE, ORANGE, GREEN, PURPLE, GREY), strict=False):
        name = f"{curve.threshold} or older: area {curve.area.value:.3f}"
        axis.step(np.maximum(curve.passed, least), curve.admitted, color=colour, label=name, where="post")
        for one in (check for check in checks if check.threshold == curve.threshold):
            place = max(one.passed, least), 1 - (one.turned_away or 0)
            axis.plot(*place, "o", color=colour, markersize=4)
            if curve.threshold == ADULT:
                axis.annotate(
                    str(one.challenge), place, (5, -10), textcoords="offset points", fontsize="small"
                )
    axis.set(xlabel="share of the younger ones that pass", ylabel="share of the others that pass")
    axis.set(xscale="log", xlim=(least, 1), ylim=(0, 1.01))
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(lambda share, place: f"{100 * share:g}%")
    axis.legend(frameon=False, fontsize="small", loc="lower right")
    return _svg(figure)


def risk_by_share(error: ArrayLike, doubts: Mapping[str, ArrayLike]) -> str:
    """The MAE of the faces that remain when the most doubtful are refused: name -> doubt of each face."""
    figure, axis = _axes(6.4, 3.2)
    for (name, doubt), colour in zip(doubts.items(), (BLUE, ORANGE), strict=False):
        errors = np.asarray(error, float)[np.argsort(np.asarray(doubt), kind="stable")]
        count = np.arange(1, len(errors) + 1)
        start = max(1, len(errors) // 20)
        risk = np.cumsum(errors) / count
        axis.plot(count[start:] / len(errors), risk[start:], color=colour, label=name)
    axis.legend(frameon=False)
    axis.set(xlabel="share of faces answered, the surest first", ylabel=FIGURES["mae"].title(short=True))
    axis.set(xlim=(0, 1), ylim=(0, None))
    return _svg(figure)


def _axes(width: float, height: float) -> tuple[Any, Any]:
    require("matplotlib", "report")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    return figure, axis


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    # Text stays text, so that it can be read aloud and searched.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "agelens", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None}, dpi=150)
    svg = buffer.getvalue()[buffer.getvalue().index("<svg") :]
    (axis,) = figure.axes
    said = escape(f"Chart: {axis.get_ylabel()}, by {axis.get_xlabel()}")
    named = rf'\1role="img" aria-label="{said}"'
    return re.sub(r'(<svg [^>]*?)width="[^"]*pt" height="[^"]*pt"', named, svg, count=1)
