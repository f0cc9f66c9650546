"""IMDB-WIKI: faces of actors and of Wikipedia's people (Rothe, Timofte & Van Gool 2015).

Its layout: ``imdb.mat`` or ``wiki.mat`` beside the folders of crops. Fields: ``dob`` (a day, in Matlab's
count from year 0), ``photo_taken`` (a year), ``full_path``, ``gender`` (0 female, 1 male, NaN), ``name``,
``face_score`` (-inf without a face), ``second_face_score`` (NaN without a second one). Research only.

The labels are noisy, so only the clean subset is read: one face, found with confidence. The day of the photo
is unknown: whoever was born in 1950 was 49 or 50 in 2000, and that interval is the label.
"""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from agelens.data.archives import find_images
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError, ManifestError, require
from agelens.labels import MAX_AGE, MIN_AGE, Gender, Sample

#: The least detector's score of the clean subset.
FACE_SCORE = 1.0

#: Days from Matlab's day 0 to Python's.
_MATLAB_EPOCH = 366

_FIELDS = ("dob", "photo_taken", "full_path", "gender", "name", "face_score", "second_face_score")
_GENDERS = {0: Gender.FEMALE, 1: Gender.MALE}


def read_imdb_wiki(source: Path, manifest: Path, *, strict: bool = False) -> ImportReport:
    """Read the clean subset of IMDB-WIKI's folder; rows outside it are counted, not told of one by one.

    Raises:
        ManifestError: neither file is there, or one cannot be read or lacks a field.
        MissingExtraError: SciPy is not installed.
    """
    tables = {name: path for name in ("imdb", "wiki") if (path := source / f"{name}.mat").is_file()}
    if not tables:
        raise ManifestError(f"{source} has neither imdb.mat nor wiki.mat")
    images = find_images(source, manifest)
    report = ImportReport(strict=strict)
    for name, path in tables.items():
        rows = zip(*_columns(path, name), strict=True)
        for number, (born, taken, file, gender, person, score, second) in enumerate(rows, start=1):
            if not (score >= FACE_SCORE and math.isnan(second)):
                report.passed_over += 1
                continue
            with report.row(f"{path.name} row {number}"):
                if (image := images.get(str(file)) or images.get(f"{name}_crop/{file}")) is None:
                    raise LabelError(f"full_path: there is no image {str(file)!r}")
                if (age := _age(float(born), int(taken))) is None:
                    raise LabelError(f"dob {born:g} and photo_taken {taken:g} give no age of 0 to 100 years")
                known = None if math.isnan(gender) else _GENDERS.get(int(gender))
                low, high = max(float(MIN_AGE), age - 1.0), float(age)
                sample = Sample(image, None, low, high, gender=known, subject=str(person), source="imdb-wiki")
                report.samples.append(sample)
    return report


def _columns(path: Path, name: str) -> list[Any]:
    scipy_io = require("scipy.io", "train")
    try:
        table = scipy_io.loadmat(path, simplify_cells=True)[name]
        return [np.atleast_1d(table[field]) for field in _FIELDS]
    except (ValueError, KeyError, OSError, NotImplementedError, TypeError) as error:
        raise ManifestError(f"{path} cannot be read as IMDB-WIKI's labels: {error}") from error


def _age(born: float, taken: int) -> int | None:
    """The age on the last day of the photo's year; None where the dates make no human age."""
    try:
        year = date.fromordinal(int(born) - _MATLAB_EPOCH).year
    except (ValueError, OverflowError):
        return None
    age = taken - year
    return age if MIN_AGE <= age <= MAX_AGE else None
