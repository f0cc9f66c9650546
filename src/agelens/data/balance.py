"""How many faces a manifest holds of each decade and gender, as counts and as a picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from agelens.errors import OutputError, require
from agelens.figures import BLUE, GREY, ORANGE
from agelens.files import check_output, written_whole
from agelens.labels import MAX_AGE, Sample

Balance = dict[str, dict[str, int]]

_COLOURS = {"female": ORANGE, "male": BLUE, "unknown": GREY}


def balance_of(samples: Sequence[Sample]) -> Balance:
    """Decade -> gender -> faces; ``unknown`` where a label is missing."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        age = sample.point_age
        decade = "unknown" if age is None else f"{int(age // 10) * 10}s" if age < MAX_AGE else f"{MAX_AGE}+"
        table[decade][str(sample.gender or "unknown")] += 1
    return {decade: dict(table[decade]) for decade in sorted(table, key=lambda name: (len(name), name))}


def check_plot(path: Path) -> None:
    """Refuse a plot that cannot be written, or that would replace a picture that is none, before any work.

    Raises:
        OutputError: as ``agelens.files.check_output``; or the file there is no plot.
    """
    check_output(path, ".png", ".svg")
    if path.is_file() and (head := path.read_bytes()[:4096]) and b"matplotlib" not in head.lower():
        raise OutputError(f"{path} is no plot of ours, and would be replaced; name another file")


def draw_balance(path: Path, samples: Sequence[Sample]) -> None:
    """Write the balance as PNG or SVG: a panel a split, bars by decade, stacked by gender.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("matplotlib", "report")
    from matplotlib.figure import Figure

    splits = sorted({sample.split for sample in samples}) or [""]
    decades = list(balance_of(samples))
    figure = Figure(figsize=(7.2, 1.0 + 2.2 * len(splits)), layout="constrained")
    panels = figure.subplots(len(splits), 1, sharex=True, squeeze=False)[:, 0]
    for axis, split in zip(panels, splits, strict=True):
        part = [sample for sample in samples if sample.split == split]
        table = balance_of(part)
        bottom = [0] * len(decades)
        for gender, colour in _COLOURS.items():
            counts = [table.get(decade, {}).get(gender, 0) for decade in decades]
            if any(counts):
                axis.bar(decades, counts, bottom=bottom, color=colour, label=gender, width=0.8)
                bottom = [low + count for low, count in zip(bottom, counts, strict=True)]
        axis.set_title(f"{split or 'no split'}: {len(part):,} faces", loc="left", fontsize=10)
        axis.set_ylabel("faces")
        axis.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, ncols=3)
    panels[-1].set_xlabel("age")
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lstrip(".") or "png", dpi=150)
