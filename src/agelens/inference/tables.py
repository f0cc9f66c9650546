"""Tables of images to be answered, streamed: CSV and Parquet, whose other columns are their owner's.

Only the images are looked for. What else a row holds is carried through to its answers as it is, unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agelens.data.csv_table import open_csv
from agelens.data.parquet_table import ImageRow, ParquetTable
from agelens.errors import ManifestError
from agelens.inference.carried import Kinds, united


def is_table(source: str | Path) -> bool:
    """Whether a source is a table of images: a file whose suffix is that of CSV or Parquet."""
    path = Path(source)
    return path.suffix.lower() in (".csv", ".parquet") and path.is_file()


def read_rows(table: Path, contents: bool = True) -> Iterator[ImageRow]:
    """The rows of a table, in order; without ``contents``, no image that it holds is read.

    Raises:
        ManifestError: the table cannot be read, has no images or no rows; faults are named by their row.
        MissingExtraError: it is Parquet, and pyarrow is not installed.
    """
    row = None
    for row in _csv_rows(table) if _is_csv(table) else ParquetTable(table).rows(contents):
        yield row
    if row is None:
        raise ManifestError(f"{table} holds no rows")


def own_columns(sources: Iterable[str | Path]) -> Kinds:
    """The columns beside the images of all tables among the sources; their headers alone are read.

    Raises:
        ManifestError, MissingExtraError: as ``read_rows``.
    """
    return united(_own(Path(source)) for source in sources if is_table(source))


def _own(table: Path) -> Kinds:
    if not _is_csv(table):
        return ParquetTable(table).kinds
    return {name: str for name in open_csv(table, ["image"]).columns if name != "image"}


def _csv_rows(table: Path) -> Iterator[ImageRow]:
    for number, values in enumerate(open_csv(table, ["image"]).rows(), start=1):
        yield ImageRow(number, values.pop("image").strip(), values=values)


def _is_csv(table: Path) -> bool:
    return table.suffix.lower() == ".csv"
