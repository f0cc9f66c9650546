"""The Kaggle competition's ``face_dataset/``: ``train.csv``, ``test.csv`` and the images they name.

Test rows carry no labels; they come as split ``unlabelled``, and training rows without a split, for
``agelens data split`` to deal out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agelens.data.readers.base import ImportReport
from agelens.data.readers.folder import read_folder
from agelens.errors import ManifestError
from agelens.labels import Gender

UNLABELLED = "unlabelled"


def read_competition(
    source: Path, manifest: Path, *, gender_code: dict[str, Gender] | None = None, strict: bool = False
) -> ImportReport:
    """Read the competition's folder, ``face_dataset/``, which holds ``train.csv``.

    ``gender_code`` says what 0 and 1 mean. It has no default: entrants disagree, and a wrong guess is silent.

    Raises:
        ManifestError: no gender code, no ``train.csv``, or its columns are others.
    """
    if gender_code is None:
        raise ManifestError(
            "the competition's gender is a bare code whose meaning entrants dispute; "
            "look at some images and say --gender-code 0=male,1=female or 0=female,1=male"
        )
    train, test = source / "train.csv", source / "test.csv"
    if not train.is_file():
        raise ManifestError(f"{source} has no train.csv; name the competition's face_dataset/ folder")
    shared: dict[str, Any] = {"key": "id", "source_name": "competition", "strict": strict}
    columns = {"image": "full_path", "age": "age", "gender": "gender"}
    report = read_folder(
        train, manifest, columns=columns, gender_code=gender_code, required=("age", "gender"), **shared
    )
    if test.is_file():
        unlabelled = read_folder(test, manifest, columns={"image": "full_path"}, split=UNLABELLED, **shared)
        report.samples += unlabelled.samples
        report.problems += unlabelled.problems
        report.leave_unused(unlabelled.unused, ())
    return report
