"""FairFace: ages as intervals, in two label files (https://github.com/joojs/fairface; CC BY 4.0).

``fairface_label_train.csv`` and ``fairface_label_val.csv`` with ``file`` (as ``train/1.jpg``), ``age`` (as
``20-29`` or ``more than 70``), ``gender`` (Male, Female) and ``race``.
"""

from __future__ import annotations

import re
from pathlib import Path

from agelens.data.archives import find_images
from agelens.data.manifest import read_table
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError, ManifestError
from agelens.labels import MAX_AGE, Sample, parse_gender

LABEL_FILES = {"train": "fairface_label_train.csv", "val": "fairface_label_val.csv"}
_COLUMNS = ("file", "age", "gender", "race")
_INTERVAL = re.compile(r"(\d+)\s*-\s*(\d+)")
_OPEN = re.compile(r"more than (\d+)")


def read_fairface(source: Path, manifest: Path, *, strict: bool = False) -> ImportReport:
    """Read FairFace's folder: its label files, and the images in ``train`` and ``val``.

    Raises:
        ManifestError: neither label file is there, or one lacks a column.
    """
    tables = {split: source / name for split, name in LABEL_FILES.items() if (source / name).is_file()}
    if not tables:
        raise ManifestError(f"{source} has neither {' nor '.join(LABEL_FILES.values())}")
    images = find_images(source, manifest)
    report = ImportReport(strict=strict)
    for split, table in tables.items():
        rows = read_table(table, _COLUMNS)
        report.leave_unused(rows[0] if rows else (), _COLUMNS)
        for number, row in enumerate(rows, start=1):
            with report.row(f"{table.name} row {number}"):
                if (image := images.get(row["file"])) is None:
                    raise LabelError(f"column file: there is no image {row['file']!r}")
                low, high = parse_interval(row["age"])
                gender, group = parse_gender(row["gender"]), row["race"]
                report.samples.append(
                    Sample(image, None, low, high, gender=gender, group=group, split=split, source="fairface")
                )
    return report


def parse_interval(text: str) -> tuple[float, float]:
    """Read ``20-29`` or ``more than 70`` as the first and last year, both included.

    Raises:
        LabelError: the text is neither.
    """
    if match := _INTERVAL.fullmatch(text.strip()):
        low, high = float(match[1]), float(match[2])
        if low <= high <= MAX_AGE:
            return low, high
    if (match := _OPEN.fullmatch(text.strip())) and float(match[1]) <= MAX_AGE:
        return float(match[1]), float(MAX_AGE)
    raise LabelError(f"column age: {text!r} is not an interval such as 20-29 or 'more than 70'")
