"""APPA-REAL: real ages, and apparent ones with their spread over some 38 raters (Agustsson et al. 2017).

Its own layout: ``gt_avg_train.csv``, ``gt_avg_valid.csv``, ``gt_avg_test.csv`` with ``file_name``,
``apparent_age_avg``, ``apparent_age_std`` and ``real_age``; images in ``train``, ``valid``, ``test``, each
also as a crop, ``000000.jpg_face.jpg``. Research only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agelens.data.archives import find_images, relative_to_manifest
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
    """Read APPA-REAL's folder.

    Args:
        source: holds the ``gt_avg_*.csv`` files and the image folders.
        manifest: where the manifest will lie.
        apparent: take the apparent age with its spread, not the real one.
        strict: stop at the first fault.

    Raises:
        ManifestError: none of the label files is there, or one lacks a column.
    """
    tables = {name: source / f"gt_avg_{name}.csv" for name in SPLITS}
    tables = {name: table for name, table in tables.items() if table.is_file()}
    if not tables:
        raise ManifestError(f"{source} has no gt_avg_train.csv, gt_avg_valid.csv or gt_avg_test.csv")
    images = find_images(source, manifest.parent / f"{manifest.stem}-images")
    names = relative_to_manifest(images.values(), manifest)
    wanted = ("file_name", "apparent_age_avg", "apparent_age_std") if apparent else ("file_name", "real_age")
    report = ImportReport(strict=strict)
    for name, table in tables.items():
        rows = read_table(table, wanted)
        report.leave_unused(rows[0] if rows else (), wanted)
        for number, row in enumerate(rows, start=1):
            where = f"{table.name} row {number}"
            file = f"{name}/{row['file_name']}"
            # The crop with its margin, where it is there; the whole photo else.
            path = images.get(f"{file}_face.jpg") or images.get(file)
            if path is None:
                report.refuse(where, f"column file_name: there is no image {file!r}")
                continue
            try:
                ages, clipped = _ages(row, apparent)
            except LabelError as error:
                report.refuse(where, str(error))
                continue
            report.samples.append(Sample(names[path], split=SPLITS[name], source="appa-real", **ages))
            report.clipped += clipped
    return report


def _ages(row: dict[str, str], apparent: bool) -> tuple[dict[str, Any], bool]:
    age, clipped = parse_age(row["apparent_age_avg" if apparent else "real_age"])
    if not apparent:
        return {"age": age}, clipped
    try:
        spread = max(LEAST_SPREAD, float(row["apparent_age_std"]))
    except ValueError:
        raise LabelError(f"column apparent_age_std: {row['apparent_age_std']!r} is not a number") from None
    return {"age": age, "age_std": spread}, clipped
