"""UTKFace: age, gender and ethnicity are in the file name (https://susanqq.github.io/UTKFace/).

``[age]_[gender]_[ethnicity]_[date&time].jpg``, gender 0 male and 1 female. A few names of the published
set lack a field; they are named and left out. An optional ``utkface.csv`` beside the images adds the
split and the duplicate group of each file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from agelens.data.archives import find_images
from agelens.data.manifest import read_table
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError
from agelens.labels import GENDERS, Sample, parse_age

ETHNICITIES = ("White", "Black", "Asian", "Indian", "Other")
LABELS_FILE = "utkface.csv"

_NAME = re.compile(r"(?P<age>\d+)_(?P<gender>[01])_(?P<ethnicity>[0-4])_(?P<taken>\d{8,})\s*\.")


def read_utkface(source: Path, manifest: Path, *, strict: bool = False) -> ImportReport:
    """Read UTKFace from a folder of images, a folder of tar files, or one tar file."""
    report = ImportReport(strict=strict)
    images = find_images(source, manifest)
    table = (source if source.is_dir() else source.parent) / LABELS_FILE
    extras = {row["file"]: row for row in read_table(table)} if table.exists() else {}
    seen: set[str] = set()
    for key, image in images.items():
        with report.row(key):
            name = Path(key).name
            if name in seen:
                raise LabelError("a second file of this name")
            seen.add(name)
            if (match := _NAME.match(name)) is None:
                raise LabelError("the name is not of the form age_gender_ethnicity_date.jpg")
            age, clipped = parse_age(match["age"])
            gender, group = GENDERS[int(match["gender"])], ETHNICITIES[int(match["ethnicity"])]
            extra = extras.get(name, {})
            more: dict[str, Any] = {column: extra.get(column, "") for column in ("split", "duplicate_group")}
            report.samples.append(Sample(image, age, gender=gender, group=group, source="utkface", **more))
            report.clipped += clipped
    for missing in sorted(extras.keys() - seen) if source.is_dir() else ():
        report.refuse(missing, f"is listed in {LABELS_FILE} but there is no such image")
    return report
