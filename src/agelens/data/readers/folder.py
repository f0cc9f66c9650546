"""Any table of labelled images: a CSV whose columns are mapped to the manifest's by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from agelens.data.archives import find_images, relative_to_manifest
from agelens.data.manifest import COLUMNS, read_table
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError, ManifestError
from agelens.labels import Gender, Sample, parse_age, parse_gender

_AGE_COLUMNS = ("age", "age_low", "age_high")


def read_folder(
    table: Path,
    manifest: Path,
    *,
    columns: Mapping[str, str] | None = None,
    images: Path | None = None,
    gender_code: Mapping[str, Gender] | None = None,
    exclude: Mapping[str, str] | None = None,
    key: str | None = None,
    required: Collection[str] = (),
    source_name: str = "",
    split: str = "",
    strict: bool = False,
) -> ImportReport:
    """Read a table and the images it names, in folders or tar files.

    Args:
        table: the CSV.
        manifest: where the manifest will lie; tar files are unpacked beside it.
        columns: manifest column -> the table's; a name not given maps to itself where the table has it.
        images: the folder (or tar) that image names are relative to; the table's folder unless given.
        gender_code: the table's own words for gender; without one, 'male' and 'female' are expected.
        exclude: table column -> value of rows to pass over.
        key: a table column that must hold each value once.
        required: manifest columns that may not be empty.
        source_name: the manifest's ``source``, for every row; the table's own column unless given.
        split: the manifest's ``split``, likewise.
        strict: stop at the first fault.

    Raises:
        ManifestError: the table lacks a mapped column, or the gender that a code is given for, or (strict)
            a row is at fault.
    """
    rows = read_table(table)
    mapped = _check_columns(table, rows, columns or {}, exclude or {}, key)
    if gender_code is not None and "gender" not in mapped:
        raise ManifestError(
            f"a gender code was given, but {table} has no column 'gender'; "
            f"say which of {', '.join(rows[0])} holds it: --column gender=NAME"
        )
    constants = {name: text for name, text in (("source", source_name), ("split", split)) if text}
    found = find_images(images or table.parent, manifest.parent / f"{manifest.stem}-images")
    names = relative_to_manifest(found.values(), manifest)
    by_file_name = {Path(name).name: path for name, path in found.items()}
    report = ImportReport(strict=strict)
    report.leave_unused(rows[0], [*mapped.values(), *(exclude or {}), *([key] if key else [])])
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        where = f"{table.name} row {number}"
        if any(row[column] == value for column, value in (exclude or {}).items()):
            continue
        identity = row[key] if key else row[mapped["image"]]
        if identity in seen:
            report.refuse(
                where, f"column {key or mapped['image']}: {identity!r} is in row {seen[identity]} too"
            )
            continue
        seen[identity] = number
        image = row[mapped["image"]].strip()
        # Tar members and folders may add or drop leading folders; the file's own name decides then.
        path = found.get(image) or by_file_name.get(Path(image).name)
        if path is None:
            report.refuse(where, f"column {mapped['image']}: there is no image {image!r}")
            continue
        try:
            texts = {name: row[column] for name, column in mapped.items()}
            sample, clipped = _parse(texts, names[path], gender_code, required, constants)
        except LabelError as error:
            report.refuse(where, str(error))
            continue
        report.samples.append(sample)
        report.clipped += clipped
    return report


def _check_columns(
    table: Path,
    rows: list[dict[str, str]],
    columns: Mapping[str, str],
    exclude: Mapping[str, str],
    key: str | None,
) -> dict[str, str]:
    if not rows:
        raise ManifestError(f"{table} has no rows")
    present = rows[0].keys()
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise ManifestError(f"a manifest has no column {', '.join(unknown)}; it has {', '.join(COLUMNS)}")
    mapped = {name: columns.get(name, name) for name in COLUMNS if name in columns or name in present}
    wanted = [*mapped.values(), *exclude, *([key] if key else [])]
    if missing := sorted({column for column in wanted if column not in present}):
        raise ManifestError(f"{table} has no column {', '.join(missing)}; it has {', '.join(present)}")
    if "image" not in mapped:
        raise ManifestError(
            f"{table} has no column 'image'; "
            f"say which of {', '.join(present)} names the files: --column image=NAME"
        )
    return mapped


def _parse(
    texts: Mapping[str, str],
    image: str,
    gender_code: Mapping[str, Gender] | None,
    required: Collection[str],
    constants: Mapping[str, str],
) -> tuple[Sample, bool]:
    if empty := [name for name in required if not texts.get(name, "").strip()]:
        raise LabelError(f"column {', '.join(empty)}: is empty")
    ages: dict[str, Any] = {}
    clipped = False
    for name in _AGE_COLUMNS:
        if text := texts.get(name, "").strip():
            ages[name], over = parse_age(text)
            clipped |= over
    low, high = ages.get("age_low"), ages.get("age_high")
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise LabelError(f"age interval {low}..{high} needs two ends, the lower first")
    if text := texts.get("age_std", "").strip():
        ages["age_std"] = _parse_std(text)
    gender = parse_gender(texts.get("gender", ""), dict(gender_code) if gender_code else None)
    others: dict[str, Any] = {
        name: texts.get(name, "").strip()
        for name in ("subject", "group", "split", "source", "duplicate_group")
    }
    return Sample(image=image, gender=gender, **ages, **{**others, **constants}), clipped


def _parse_std(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise LabelError(f"age_std {text!r} is not a number") from None
    if not 0 < value <= 100:
        raise LabelError(f"age_std {text!r} is not between 0 and 100 years")
    return value
