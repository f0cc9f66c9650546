"""FairFace: ages as intervals, in two label files (https://github.com/joojs/fairface; CC BY 4.0).

``fairface_label_train.csv`` and ``fairface_label_val.csv`` with ``file`` (as ``train/1.jpg``), ``age`` (as
``20-29`` or ``more than 70``), ``gender`` (Male, Female) and ``race``.
"""

from __future__ import annotations

import re
from pathlib import Path

from agelens.data.archives import find_images, relative_to_manifest
from agelens.data.manifest import read_table
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError, ManifestError
from agelens.labels import MAX_AGE, Sample, parse_gender

LABEL_FILES = {"train": "fairface_label_train.csv", "val": "fairface_label_val.csv"}
_COLUMNS = ("file", "age", "gender", "race")
_INTERVAL = re.compile(r"(\d+)\s*-\s*(\d+)")
_OPEN = re.compile(r"more than (\d+)")


def read_fairface(source: Path, manifest: Path, *, strict: bool = False) -> ImportReport:
    """Read FairFace's folder.

    Args:
        source: holds the label files and the folders ``train`` and ``val``.
        manifest: where the manifest will lie.
        strict: stop at the first fault.

    Raises:
        ManifestError: neither label file is there, or one lacks a column.
    """
    tables = {split: source / name for split, name in LABEL_FILES.items() if (source / name).is_file()}
    if not tables:
        raise ManifestError(f"{source} has neither {' nor '.join(LABEL_FILES.values())}")
    images = find_images(source, manifest.parent / f"{manifest.stem}-images")
    names = relative_to_manifest(images.values(), manifest)
    report = ImportReport(strict=strict)
    for split, table in tables.items():
        rows = read_table(table, _COLUMNS)
        report.leave_unused(rows[0] if rows else (), _COLUMNS)
        for number, row in enumerate(rows, start=1):
            where = f"{table.name} row {number}"
            if (path := images.get(row["file"])) is None:
                report.refuse(where, f"column file: there is no image {row['file']!r}")
                continue
            try:
                low, high = parse_interval(row["age"])
                gender = parse_gender(row["gender"])
            except LabelError as error:
                report.refuse(where, str(error))
                continue
            report.samples.append(
                Sample(
                    names[path],
                    age_low=low,
                    age_high=high,
                    gender=gender,
                    group=row["race"],
                    split=split,
                    source="fairface",
                )
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
