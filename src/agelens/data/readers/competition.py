"""The Kaggle competition's ``face_dataset/``: ``train.csv``, ``test.csv`` and the images they name.

Test rows carry no labels; they come as split ``unlabelled``, and training rows without a split, for
``agelens data split`` to deal out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agelens.data.readers.base import ImportReport
from agelens.data.readers.folder import read_folder
from agelens.errors import ManifestError
from agelens.labels import Gender

UNLABELLED = "unlabelled"


def read_competition(
    source: Path, manifest: Path, *, gender_code: Mapping[str, Gender] | None = None, strict: bool = False
) -> ImportReport:
    """Read the competition's folder.

    Args:
        source: ``face_dataset/``, which holds ``train.csv``.
        manifest: where the manifest will lie.
        gender_code: what 0 and 1 mean. It has no default: entrants disagree, and a wrong guess is silent.
        strict: stop at the first fault.

    Raises:
        ManifestError: no gender code, no ``train.csv``, or its columns are others.
    """
    if gender_code is None:
        raise ManifestError(
            "the competition's gender is a bare code whose meaning entrants dispute; "
            "look at some images and say --gender-code 0=male,1=female or 0=female,1=male"
        )
    if not (source / "train.csv").is_file():
        raise ManifestError(f"{source} has no train.csv; name the competition's face_dataset/ folder")
    report = read_folder(
        source / "train.csv",
        manifest,
        columns={"image": "full_path", "age": "age", "gender": "gender"},
        gender_code=gender_code,
        key="id",
        required=("age", "gender"),
        source_name="competition",
        strict=strict,
    )
    if (source / "test.csv").is_file():
        test = read_folder(
            source / "test.csv",
            manifest,
            columns={"image": "full_path"},
            key="id",
            source_name="competition",
            split=UNLABELLED,
            strict=strict,
        )
        report.samples += test.samples
        report.problems += test.problems
        report.leave_unused(test.unused, ())
    return report
