"""CSV as people and Excel write it, a row at a time.

UTF-8, with a mark or without, or UTF-16 with one; commas, semicolons or tabs; any line ends. Other encodings
are refused, not guessed: read as Latin-1 any bytes are text, and files' names would be wrong in silence.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from agelens.errors import ManifestError

_DELIMITERS = ",;\t"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """An opened CSV.

    Attributes:
        path: of the file.
        columns: its header; a column without a name is called ``column_3`` by its place.
        encoding, delimiter: as its beginning shows them.
    """

    path: Path
    columns: tuple[str, ...]
    encoding: str
    delimiter: str

    def rows(self) -> Iterator[dict[str, str]]:
        """The rows as text by column name; cells missing at a row's end are empty; empty lines are no rows.

        Raises:
            ManifestError: a row is not in the file's encoding, or has a cell too many.
        """
        lines = _lines(self.path, self.encoding, self.delimiter)
        next(lines)
        width = len(self.columns)
        for number, cells in enumerate(lines, start=1):
            if any(cells[width:]):
                raise ManifestError(f"{self.path}, row {number}: more cells than the header has columns")
            yield dict(zip_longest(self.columns, cells[:width], fillvalue=""))


def open_csv(path: Path, required: Sequence[str] = ()) -> CsvTable:
    """Read a CSV's header, and tell how it is written by it.

    Args:
        path: of the file.
        required: columns that it must have.

    Raises:
        ManifestError: no such file, no text in a known encoding, no header, a required column is missing, or
            two columns share a name.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise ManifestError(f"no such table: {path}") from None
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from error
    encoding = "utf-16" if head.startswith(_UTF_16) else "utf-8-sig"
    if encoding != "utf-16" and b"\0" in head:
        raise ManifestError(f"{path} is no text; a table is CSV (UTF-8) or Parquet")
    headers = {one: next(_lines(path, encoding, one), []) for one in _DELIMITERS}
    # The delimiter that finds the columns asked for; else the one that finds the most.
    delimiter = max(headers, key=lambda one: (len({*required} & {*headers[one]}), len(headers[one])))
    columns = tuple(name or f"column_{place}" for place, name in enumerate(headers[delimiter], start=1))
    if not columns:
        raise ManifestError(f"{path} is empty; a header line is expected")
    if missing := [column for column in required if column not in columns]:
        raise ManifestError(f"{path} has no column {', '.join(missing)}; it has {', '.join(columns)}")
    check_unique(path, columns)
    return CsvTable(path, columns, encoding, delimiter)


def check_unique(table: object, columns: Sequence[str]) -> None:
    """Refuse a table two of whose columns share a name.

    Raises:
        ManifestError: they do.
    """
    if twice := [name for name, count in Counter(columns).items() if count > 1]:
        raise ManifestError(f"{table} has more than one column {twice[0]!r}; rename all but one")


def _lines(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """The lines that are not empty, the header's names without the spaces around them."""
    number = 0
    try:
        # Bytes of no encoding come as surrogates, so that an error can name their row.
        with path.open(newline="", encoding=encoding, errors="surrogateescape") as file:
            for cells in csv.reader(file, delimiter=delimiter):
                if cells:
                    "".join(cells).encode()
                    yield cells if number else [name.strip() for name in cells]
                    number += 1
    except UnicodeError:
        where = f"row {number}" if number else "the header"
        raise ManifestError(
            f"{path}, {where}: is no {'UTF-16' if encoding == 'utf-16' else 'UTF-8'} text; "
            "save the table as UTF-8 (in Excel: 'CSV UTF-8')"
        ) from None
    except (OSError, csv.Error) as error:
        raise ManifestError(f"{path} cannot be read as CSV, row {number}: {error}") from error
