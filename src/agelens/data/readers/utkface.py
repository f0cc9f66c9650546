"""UTKFace: age, gender and ethnicity are in the file name (https://susanqq.github.io/UTKFace/).

``[age]_[gender]_[ethnicity]_[date&time].jpg``, gender 0 male and 1 female. A few names of the published
set lack a field; they are named and left out. An optional ``utkface.csv`` beside the images adds the
split and the duplicate group of each file.
"""

from __future__ import annotations

import re
from pathlib import Path

from agelens.data.archives import find_images, relative_to_manifest
from agelens.data.manifest import read_table
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError
from agelens.labels import Gender, Sample, parse_age, parse_gender

ETHNICITIES = ("White", "Black", "Asian", "Indian", "Other")
GENDER_CODE = {"0": Gender.MALE, "1": Gender.FEMALE}
LABELS_FILE = "utkface.csv"

_NAME = re.compile(r"(?P<age>\d+)_(?P<gender>[01])_(?P<ethnicity>[0-4])_(?P<taken>\d{8,})\s*\.")


def read_utkface(source: Path, manifest: Path, *, strict: bool = False) -> ImportReport:
    """Read UTKFace from a folder of images, a folder of tar files, or one tar file.

    Args:
        source: the folder or tar; ``utkface.csv`` is taken from the folder where it is there.
        manifest: where the manifest will lie; tar files are unpacked beside it.
        strict: stop at the first fault.
    """
    report = ImportReport(strict=strict)
    images = find_images(source, manifest.parent / f"{manifest.stem}-images")
    names = relative_to_manifest(images.values(), manifest)
    table = (source if source.is_dir() else source.parent) / LABELS_FILE
    extras = {row["file"]: row for row in read_table(table)} if table.exists() else {}
    seen: set[str] = set()
    for key, path in images.items():
        name = Path(key).name
        if name in seen:
            report.refuse(key, "a second file of this name")
            continue
        seen.add(name)
        try:
            sample, clipped = _parse_name(name, names[path], extras.get(name, {}))
        except LabelError as error:
            report.refuse(key, str(error))
            continue
        report.samples.append(sample)
        report.clipped += clipped
    if source.is_dir():
        for missing in sorted(extras.keys() - seen):
            report.refuse(missing, f"is listed in {LABELS_FILE} but there is no such image")
    return report


def _parse_name(name: str, image: str, extra: dict[str, str]) -> tuple[Sample, bool]:
    if (match := _NAME.match(name)) is None:
        raise LabelError("the name is not of the form age_gender_ethnicity_date.jpg")
    age, clipped = parse_age(match["age"])
    sample = Sample(
        image=image,
        age=age,
        gender=parse_gender(match["gender"], GENDER_CODE),
        group=ETHNICITIES[int(match["ethnicity"])],
        split=extra.get("split", ""),
        source="utkface",
        duplicate_group=extra.get("duplicate_group", ""),
    )
    return sample, clipped
