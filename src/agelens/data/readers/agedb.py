"""AgeDB: everything is in the file name, ``0_MariaCallas_35_f.jpg`` (Moschoglou et al. 2017).

Number, name, age, gender. Many pictures a person, who becomes the ``subject`` that splits keep together.
Non-commercial research only.
"""

from __future__ import annotations

import re
from pathlib import Path

from agelens.data.archives import find_images, relative_to_manifest
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError
from agelens.labels import Sample, parse_age, parse_gender

_NAME = re.compile(r"\d+_(?P<subject>.+)_(?P<age>\d+)_(?P<gender>[mf])\.\w+", re.IGNORECASE)


def read_agedb(source: Path, manifest: Path, *, strict: bool = False) -> ImportReport:
    """Read AgeDB from a folder or tar of images; names that do not fit are told of and left out.

    Args:
        source: the folder or tar.
        manifest: where the manifest will lie.
        strict: stop at the first fault.
    """
    report = ImportReport(strict=strict)
    images = find_images(source, manifest.parent / f"{manifest.stem}-images")
    names = relative_to_manifest(images.values(), manifest)
    for key, path in images.items():
        if (match := _NAME.fullmatch(Path(key).name)) is None:
            report.refuse(key, "the name is not of the form number_name_age_gender.jpg")
            continue
        try:
            age, clipped = parse_age(match["age"])
        except LabelError as error:
            report.refuse(key, str(error))
            continue
        report.clipped += clipped
        report.samples.append(
            Sample(
                names[path],
                age=age,
                gender=parse_gender(match["gender"]),
                subject=match["subject"],
                source="agedb",
            )
        )
    return report
