"""The manifest: one table of labelled images, whatever their source; the contract between data and training.

CSV or Parquet, one row an image, with the columns of ``Sample``. Paths are relative to the manifest's
folder or absolute. Genders are words, never a bare code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agelens.data.csv_table import CsvTable, open_csv
from agelens.data.parquet_table import ParquetTable
from agelens.errors import LabelError, ManifestError, OutputError, require
from agelens.files import check_output, write_csv, written_whole
from agelens.labels import MAX_AGE, MIN_AGE, Sample, parse_gender

COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Sample))
_AGE_COLUMNS = ("age", "age_low", "age_high", "age_std")
_TEXT_COLUMNS = ("subject", "group", "split", "source", "duplicate_group")

#: How many faulty rows an error names before it only counts them.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Manifest:
    """Samples, and the folder their relative paths start from."""

    samples: tuple[Sample, ...]
    root: Path

    def path(self, sample: Sample) -> Path:
        """Where the sample's image lies."""
        return self.root / sample.image  # an absolute image path replaces the root

    def of_split(self, split: str) -> Manifest:
        """The samples of one split.

        Raises:
            ManifestError: there are none; the message lists the splits there are.
        """
        chosen = tuple(sample for sample in self.samples if sample.split == split)
        if not chosen:
            counts = Counter(sample.split or "(none)" for sample in self.samples)
            known = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
            raise ManifestError(f"the manifest has no split {split!r}; it has: {known or 'no rows'}")
        return Manifest(chosen, self.root)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check every row.

    Raises:
        ManifestError: no such file, unknown or missing columns, or faulty rows (each named by its row and
            column; row 1 is the first after the header).
    """
    rows = _read_rows(path)
    samples: list[Sample] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=1):
        try:
            samples.append(parse_row(row))
        except LabelError as error:
            faults.append(f"row {number}: {error}")
    if faults:
        more = f"\n… and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise ManifestError(f"{path} has {len(faults)} faulty rows:\n" + "\n".join(faults[:_SHOWN]) + more)
    return Manifest(tuple(samples), path.parent)


def check_manifest_output(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse a manifest that cannot be written, before the work that it is for.

    Raises:
        OutputError: as ``agelens.files.check_output``; or a table that is no manifest would be replaced.
    """
    check_output(path, ".csv", ".parquet", inputs=inputs)
    if path.is_file() and path.stat().st_size:
        try:
            _opened(path)
        except ManifestError as error:
            raise OutputError(f"{path} is no manifest, and would be replaced; name another file") from error


def write_manifest(path: Path, samples: Sequence[Sample]) -> None:
    """Write a manifest as CSV or Parquet (by its suffix), whole or not at all.

    Raises:
        OutputError: as ``check_manifest_output``.
    """
    check_manifest_output(path)
    rows = [[to_text(getattr(sample, name)) for name in COLUMNS] for sample in samples]
    if path.suffix.lower() != ".parquet":
        write_csv(path, COLUMNS, rows)
        return
    arrow, parquet = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    with written_whole(path) as temporary:
        columns = {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}
        parquet.write_table(arrow.table(columns), temporary)


def read_table(path: Path, required: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read any CSV as rows of text by column name.

    Raises:
        ManifestError: as ``agelens.data.csv_table``: no such file, a required column is missing, ….
    """
    return list(open_csv(path, required).rows())


def _read_rows(path: Path) -> list[dict[str, str]]:
    table = _opened(path)
    if isinstance(table, CsvTable):
        return list(table.rows())
    named = ((row.path, row.values) for row in table.rows())
    return [
        {"image": image} | {key: to_text(value) for key, value in values.items()} for image, values in named
    ]


def _opened(path: Path) -> CsvTable | ParquetTable:
    """The table at a path, if it has the columns of a manifest.

    Raises:
        ManifestError: it has not, or there is no such table.
    """
    if path.is_dir():
        raise ManifestError(f"{path} is a folder; a manifest is a .csv or .parquet file")
    if path.suffix.lower() != ".parquet":
        table = open_csv(path, ["image"])
        _check_known(path, table.columns)
        return table
    parquet = ParquetTable(path)
    if parquet.holds_images:
        raise ManifestError(
            f"{path} holds the images themselves; write them out and make a manifest of it: "
            f"agelens data import parquet {path} --output manifest.csv"
        )
    _check_known(path, ["image", *parquet.kinds])
    return parquet


def _check_known(path: Path, columns: Sequence[str]) -> None:
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise ManifestError(
            f"{path} has unknown columns {', '.join(unknown)}; a manifest has {', '.join(COLUMNS)}. "
            "Use 'agelens data import folder' to map a table with other names."
        )


def parse_row(row: Mapping[str, str]) -> Sample:
    """Read a manifest's row; a column that is not there counts as empty.

    Raises:
        LabelError: a cell is at fault, or cells contradict each other.
    """
    if not (image := row["image"].strip()):
        raise LabelError("column image: is empty")
    ages: dict[str, Any] = {name: _parse_number(name, row.get(name, "")) for name in _AGE_COLUMNS}
    low, high = ages["age_low"], ages["age_high"]
    if (low is None) != (high is None):
        raise LabelError("columns age_low, age_high: an interval needs both ends")
    if low is not None and low > high:
        raise LabelError("columns age_low, age_high: the interval ends before it begins")
    if ages["age_std"] is not None and ages["age"] is None:
        raise LabelError("column age_std: is given without an age")
    try:
        gender = parse_gender(row.get("gender", ""))
    except LabelError as error:
        raise LabelError(f"column gender: {error}") from None
    texts: dict[str, Any] = {column: row.get(column, "").strip() for column in _TEXT_COLUMNS}
    return Sample(image=image, gender=gender, **ages, **texts)


def _parse_number(column: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        raise LabelError(f"column {column}: {text!r} is not a number") from None
    if not MIN_AGE <= number <= MAX_AGE or (column == "age_std" and number == 0):
        raise LabelError(f"column {column}: {text!r} is not within {MIN_AGE}..{MAX_AGE} years")
    return number


def to_text(value: object) -> str:
    """A cell's value as a manifest writes it; empty for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
