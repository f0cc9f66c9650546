"""AgeDB: everything is in the file name, ``0_MariaCallas_35_f.jpg`` (Moschoglou et al. 2017).

Number, name, age, gender. Many pictures a person, who becomes the ``subject`` that splits keep together.
Non-commercial research only.
"""

from __future__ import annotations

import re
from pathlib import Path

from agelens.data.archives import find_images
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError
from agelens.labels import Sample, parse_age, parse_gender

_NAME = re.compile(r"\d+_(?P<subject>.+)_(?P<age>\d+)_(?P<gender>[mf])\.\w+", re.IGNORECASE)


def read_agedb(source: Path, manifest: Path, *, strict: bool = False) -> ImportReport:
    """Read AgeDB from a folder or tar of images; names that do not fit are told of and left out."""
    report = ImportReport(strict=strict)
    for key, image in find_images(source, manifest).items():
        with report.row(key):
            if (match := _NAME.fullmatch(Path(key).name)) is None:
                raise LabelError("the name is not of the form number_name_age_gender.jpg")
            age, clipped = parse_age(match["age"])
            gender = parse_gender(match["gender"])
            sample = Sample(image, age=age, gender=gender, subject=match["subject"], source="agedb")
            report.samples.append(sample)
            report.clipped += clipped
    return report
