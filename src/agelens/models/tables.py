"""The model card's tables, in Markdown: what was measured, from a bundle's ``metrics``."""

from __future__ import annotations

from typing import Any

from agelens.ages import ADULT
from agelens.conformal import REPORTED_LEVELS

#: The figures of the card: their key, what they are called, how they are written.
SHOWN = (
    ("score", "competition score", "{:.3f}"),
    ("mae", "age MAE, years", "{:.2f}"),
    ("rmse", "age RMSE, years", "{:.2f}"),
    ("bias", "age bias, years", "{:+.2f}"),
    ("cs5", "ages within 5 years", "{:.1%}"),
    ("gender_accuracy", "gender accuracy", "{:.1%}"),
    ("gender_macro_f1", "gender macro F1", "{:.3f}"),
    ("interval_coverage", "coverage of 90 % intervals", "{:.1%}"),
    ("interval_width", "width of 90 % intervals, years", "{:.1f}"),
    ("uncalibrated_coverage", "coverage of uncalibrated ones", "{:.1%}"),
    ("uncalibrated_width", "their width, years", "{:.1f}"),
    ("adult_calibration_error", f"ECE of P(age ≥ {ADULT})", "{:.3f}"),
    ("gender_calibration_error", "ECE of gender", "{:.3f}"),
)


def measured(metrics: dict[str, Any]) -> dict[str, Any]:
    """The evaluations among a bundle's metrics, by split: all but what training noted itself."""
    return {split: figures for split, figures in metrics.items() if split != "at_training"}


def metrics_tables(metrics: dict[str, Any]) -> str:
    """What was measured on each split: figures, groups, gaps, coverage, age checks."""
    splits = measured(metrics)
    if not splits:
        return "Not evaluated yet: `agelens evaluate --write` adds the figures."
    return "\n\n".join(
        f"Split `{split}`, {figures['images']} images; brackets are 95 % bootstrap intervals.\n\n"
        + "".join(
            [
                _figures(figures),
                _groups(figures.get("groups", [])),
                _gaps(figures.get("gaps", [])),
                _coverage(figures.get("coverage", [])),
                _checks(figures.get("age_checks", [])),
            ]
        )
        for split, figures in splits.items()
    )


def _figures(figures: dict[str, Any]) -> str:
    lines = ["| | |", "| --- | --- |"]
    for key, label, form in SHOWN:
        if (figure := figures["figures"].get(key)) is not None:
            value, low, high = (form.format(figure[part]) for part in ("value", "low", "high"))
            lines.append(f"| {label} | {value} [{low}, {high}] |")
    return "\n".join(lines)


def _groups(groups: list[dict[str, Any]]) -> str:
    if not groups:
        return ""
    lines = ["", "", "| group | images | MAE | bias | gender accuracy |", "| --- | --- | --- | --- | --- |"]
    for group in groups:
        if "×" in group["by"]:
            continue
        name = f"age {group['name']}" if group["by"] == "age" else group["name"]
        mae = "" if group["mae"] is None else f"{group['mae']:.2f}"
        bias = "" if group["bias"] is None else f"{group['bias']:+.2f}"
        right = "" if group["gender_accuracy"] is None else f"{group['gender_accuracy']:.1%}"
        lines.append(f"| {name} | {group['images']} | {mae} | {bias} | {right} |")
    return "\n".join(lines)


def _gaps(gaps: list[dict[str, Any]]) -> str:
    """Who is served worst and who best, in each cut and figure."""
    if not gaps:
        return ""
    names = {"mae": "MAE", "gender_accuracy": "gender accuracy", "coverage": "intervals hold"}
    lines = ["", "", "| gap in | served worst | served best | gap |", "| --- | --- | --- | --- |"]
    for gap in gaps:
        form = "{:.2f}" if gap["figure"] == "mae" else "{:.1%}"
        value, low, high = (form.format(gap["gap"][part]) for part in ("value", "low", "high"))
        lines.append(
            f"| {names[gap['figure']]}, by {gap['by']} | {gap['worst']}: {form.format(gap['worst_value'])} "
            f"| {gap['best']}: {form.format(gap['best_value'])} | {value} [{low}, {high}] |"
        )
    return "\n".join(lines)


def _coverage(bands: list[dict[str, Any]]) -> str:
    if not bands:
        return ""
    head = " | ".join(f"{level:.0%} intervals hold" for level in REPORTED_LEVELS)
    lines = ["", "", f"| predicted age | images | {head} |", "| --- " * (2 + len(REPORTED_LEVELS)) + "|"]
    lines += [
        f"| {band['band']} | {band['images']} | {' | '.join(f'{held:.1%}' for held in band['held'])} |"
        for band in bands
    ]
    return "\n".join(lines)


def _checks(checks: list[dict[str, Any]]) -> str:
    """How an age check for adults would fare: the table that says why it needs a human beside it."""
    rows = [check for check in checks if check["threshold"] == ADULT and check.get("among", "all") == "all"]
    if not rows:
        return ""
    lines = [
        "",
        "",
        f"A check for people of {ADULT} that passes a face from a challenge age on:",
        "",
        f"| passes from | of {rows[0]['minors']} minors pass | of the others turned away |",
        "| --- | --- | --- |",
    ]
    for check in rows:
        low, high = check["interval"]
        away = "" if check["turned_away"] is None else f"{check['turned_away']:.1%}"
        lines.append(f"| {check['challenge']} | {check['passed']:.1%} [{low:.1%}, {high:.1%}] | {away} |")
    return "\n".join(lines)
