"""APPA-REAL: real ages, and apparent ones with their spread over some 38 raters (Agustsson et al. 2017).

Its own layout: ``gt_avg_train.csv``, ``gt_avg_valid.csv``, ``gt_avg_test.csv`` with ``file_name``,
``apparent_age_avg``, ``apparent_age_std`` and ``real_age``; images in ``train``, ``valid``, ``test``, each
also as a crop, ``000000.jpg_face.jpg``. Research only.
"""

from __future__ import annotations

from pathlib import Path

from agelens.data.archives import find_images
from agelens.data.manifest import read_table
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError, ManifestError
from agelens.labels import Sample, parse_age

SPLITS = {"train": "train", "valid": "val", "test": "test"}

#: Years. The least spread believed of raters: all agreeing does not make an apparent age exact.
LEAST_SPREAD = 0.5


def read_appa_real(
    source: Path, manifest: Path, *, apparent: bool = False, strict: bool = False
) -> ImportReport:
    """Read APPA-REAL's folder; ``apparent`` takes the apparent age with its spread, not the real one.

    Raises:
        ManifestError: none of the label files is there, or one lacks a column.
    """
    tables = {name: table for name in SPLITS if (table := source / f"gt_avg_{name}.csv").is_file()}
    if not tables:
        raise ManifestError(f"{source} has no gt_avg_train.csv, gt_avg_valid.csv or gt_avg_test.csv")
    images = find_images(source, manifest)
    wanted = ("file_name", "apparent_age_avg", "apparent_age_std") if apparent else ("file_name", "real_age")
    report = ImportReport(strict=strict)
    for name, table in tables.items():
        rows = read_table(table, wanted)
        report.leave_unused(rows[0] if rows else (), wanted)
        for number, row in enumerate(rows, start=1):
            with report.row(f"{table.name} row {number}"):
                file = f"{name}/{row['file_name']}"
                # The crop with its margin, where it is there; the whole photo else.
                if (image := images.get(f"{file}_face.jpg") or images.get(file)) is None:
                    raise LabelError(f"column file_name: there is no image {file!r}")
                age, clipped = parse_age(row[wanted[1]])
                spread = _spread(row["apparent_age_std"]) if apparent else None
                sample = Sample(image, age=age, age_std=spread, split=SPLITS[name], source="appa-real")
                report.samples.append(sample)
                report.clipped += clipped
    return report


def _spread(text: str) -> float:
    try:
        return max(LEAST_SPREAD, float(text))
    except ValueError:
        raise LabelError(f"column apparent_age_std: {text!r} is not a number") from None
