"""Any table of labelled images: a CSV whose columns are mapped to the manifest's by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from agelens.data.archives import find_images
from agelens.data.manifest import COLUMNS, read_table
from agelens.data.readers.base import ImportReport
from agelens.errors import LabelError, ManifestError
from agelens.labels import Gender


def read_folder(
    table: Path,
    manifest: Path,
    *,
    columns: Mapping[str, str] | None = None,
    images: Path | None = None,
    gender_code: dict[str, Gender] | None = None,
    exclude: Mapping[str, str] | None = None,
    key: str | None = None,
    required: Collection[str] = (),
    source_name: str = "",
    split: str = "",
    strict: bool = False,
) -> ImportReport:
    """Read a table and the images it names, in folders or tar files.

    Args:
        columns: manifest column -> the table's; a name not given maps to itself where the table has it.
        images: the folder (or tar) that image names are relative to; the table's folder unless given.
        gender_code: the table's own words for gender; without one, 'male' and 'female' are expected.
        exclude: table column -> value of rows to pass over.
        key: a table column that must hold each value once.
        required: manifest columns that may not be empty.
        source_name: the manifest's ``source``, for every row; the table's own column unless given.
        split: the manifest's ``split``, likewise.

    Raises:
        ManifestError: the table lacks a mapped column, or the gender that a code is given for, or (strict)
            a row is at fault.
    """
    if table.suffix.lower() == ".parquet":
        raise ManifestError(f"{table} is Parquet, not CSV: agelens data import parquet {table} … reads it")
    rows = read_table(table)
    exclude = exclude or {}
    keys = [key] if key else []
    if not rows:
        raise ManifestError(f"{table} has no rows")
    mapped = check_columns(table, rows[0], columns or {}, [*exclude, *keys], gender_code)
    if "image" not in mapped:
        raise ManifestError(
            f"{table} has no column 'image'; "
            f"say which of {', '.join(rows[0])} names the files: --column image=NAME"
        )
    constants = {name: text for name, text in (("source", source_name), ("split", split)) if text}
    found = find_images(images or table.parent, manifest)
    by_file_name = {Path(name).name: image for name, image in found.items()}
    report = ImportReport(strict=strict)
    report.leave_unused(rows[0], [*mapped.values(), *exclude, *keys])
    unique = key or mapped["image"]
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        if any(row[column] == value for column, value in exclude.items()):
            continue
        with report.row(f"{table.name} row {number}"):
            identity = row[unique]
            if (first := seen.setdefault(identity, number)) != number:
                raise LabelError(f"column {unique}: {identity!r} is in row {first} too")
            texts = {name: row[column].strip() for name, column in mapped.items()}
            # Tar members and folders may add or drop leading folders; the file's own name decides then.
            image = found.get(texts["image"]) or by_file_name.get(Path(texts["image"]).name)
            if image is None:
                raise LabelError(f"column {mapped['image']}: there is no image {texts['image']!r}")
            if empty := [name for name in required if not texts.get(name)]:
                raise LabelError(f"column {', '.join(empty)}: is empty")
            report.add(texts | constants | {"image": image}, gender_code)
    return report


def check_columns(
    table: Path,
    present: Collection[str],
    columns: Mapping[str, str],
    others: Iterable[str],
    gender_code: Mapping[str, Gender] | None,
) -> dict[str, str]:
    """Manifest column -> the table's, once all that are named, ``others`` too, are there.

    Raises:
        ManifestError: one is not, or a code is given for a gender that is not.
    """
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise ManifestError(f"a manifest has no column {', '.join(unknown)}; it has {', '.join(COLUMNS)}")
    mapped = {name: columns.get(name, name) for name in COLUMNS if name in columns or name in present}
    if missing := sorted({*mapped.values(), *others} - {*present}):
        raise ManifestError(f"{table} has no column {', '.join(missing)}; it has {', '.join(present)}")
    if gender_code is not None and "gender" not in mapped:
        raise ManifestError(
            f"a gender code was given, but {table} has no column 'gender'; "
            f"say which of {', '.join(present)} holds it: --column gender=NAME"
        )
    return mapped
