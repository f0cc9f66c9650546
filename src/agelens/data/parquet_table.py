"""Parquet that holds images or names them, a row at a time and never whole in memory.

The images lie in the column ``image``: as text, the path; as binary, the file itself; as a struct of both,
``bytes`` and ``path``, the layout of Hugging Face's ``datasets``. A binary column ``bytes`` may hold the
files, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from agelens.data.csv_table import check_unique
from agelens.errors import ManifestError, require

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: What is decoded at once: rows of about so many bytes, and at most so many rows.
_BATCH_BYTES = 32 << 20
_BATCH_ROWS = 1024

#: A column, or a column and its field.
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """A row of a table of images.

    Attributes:
        number: 1 is the first.
        path: the image's, as the table has it; empty where it has none.
        content: the image's file, where the table holds it.
        values: the other columns', as Python has them.
    """

    number: int
    path: str
    content: bytes | None = None
    values: dict[str, Any] = field(default_factory=dict)


class ParquetTable:
    """An opened Parquet table of images.

    Attributes:
        name: what errors call it.
        kinds: the Arrow type of every column that is no image, as its values are given: text for
            dictionaries, times to the microsecond.
        row_groups: the number of rows of each.
    """

    def __init__(self, source: Path | IO[bytes], name: str | None = None, image: str = "image") -> None:
        """Open a file, or one that is open already, and look for its images in the column ``image``.

        Raises:
            ManifestError: no such file, damaged, no images, or two columns share a name.
            MissingExtraError: pyarrow is not installed.
        """
        self.name = name or str(source)
        self._file = open_parquet(source, self.name)
        schema: pa.Schema = self._file.schema_arrow
        check_unique(self.name, schema.names)
        self._path, self._content = _find_images(schema, self.name, image)
        images = {place[0] for place in (self._path, self._content) if place}
        self.kinds = {one.name: _carried(one.type) for one in schema if one.name not in images}
        metadata = self._file.metadata
        self.row_groups = [metadata.row_group(one).num_rows for one in range(metadata.num_row_groups)]
        self._bytes = sum(metadata.row_group(one).total_byte_size for one in range(metadata.num_row_groups))

    @property
    def holds_images(self) -> bool:
        """Whether the images themselves lie in it, or only their paths."""
        return self._content is not None

    @cached_property
    def class_names(self) -> dict[str, list[str]]:
        """Column -> the words that its numbers stand for, where Hugging Face's ``datasets`` noted them."""
        import json

        noted = (self._file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
        try:
            features = json.loads(noted)["info"]["features"]
            return {name: one["names"] for name, one in features.items() if one.get("_type") == "ClassLabel"}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}

    def rows(
        self, contents: bool = True, row_groups: Sequence[int] | None = None, first: int = 1
    ) -> Iterator[ImageRow]:
        """The rows, in order.

        Args:
            contents: whether to read the images, too.
            row_groups: those to read; None for all.
            first: the number of their first row.

        Raises:
            ManifestError: the file is damaged, or holds a value that Python cannot.
        """
        content = self._content if contents else None
        columns = [*self.kinds, *(".".join(place) for place in (self._path, content) if place)]
        most = _BATCH_BYTES * sum(self.row_groups) // max(self._bytes, 1) if content else _BATCH_ROWS
        batches = self._file.iter_batches(
            min(max(most, 1), _BATCH_ROWS), columns=columns, row_groups=row_groups
        )
        with _explained(self.name):
            for batch in batches:
                values = {name: self._values(batch, (name,), first) for name in self.kinds}
                paths = self._values(batch, self._path, first, os.fsdecode) if self._path else None
                held = _column(batch, content) if content else None
                for at in range(batch.num_rows):
                    yield ImageRow(
                        first + at,
                        (paths[at] or "") if paths else "",
                        None if held is None else held[at].as_py(),
                        {name: column[at] for name, column in values.items()},
                    )
                first += batch.num_rows

    def _values(
        self, batch: pa.RecordBatch, place: Place, first: int, decode: Callable[[bytes], str] | None = None
    ) -> list[Any]:
        """A column's values; text that is no UTF-8 is decoded so, or has ``\\xff`` for such a byte."""
        import pyarrow as pa

        try:
            column = _column(batch, place)
            column = column.cast(_carried(column.type), safe=False)
            try:
                return column.to_pylist()
            except UnicodeDecodeError:
                decode = decode or _escaped
                return [one and decode(one) for one in column.cast(pa.binary()).to_pylist()]
        except (ValueError, OverflowError, TypeError, pa.ArrowException) as error:
            where = f"rows {first} to {first + batch.num_rows - 1}, column {'.'.join(place)}"
            raise ManifestError(f"{self.name}, {where}: {error}; leave the column out") from error


def open_parquet(source: Path | IO[bytes], name: str) -> pq.ParquetFile:
    """Open a Parquet file so that it is read page by page: a row group may be larger than the memory.

    Raises:
        ManifestError: no such file, or it is damaged.
        MissingExtraError: pyarrow is not installed.
    """
    parquet = require("pyarrow.parquet", "jobs")
    if isinstance(source, Path) and not source.exists():
        raise ManifestError(f"no such table: {source}")
    with _explained(name):
        return parquet.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Say what is wrong with a file in a sentence."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise ManifestError(
            f"{name} cannot be read as Parquet; it is damaged or cut short: {error}"
        ) from error


def _find_images(schema: pa.Schema, name: str, column: str) -> tuple[Place | None, Place | None]:
    """Where the paths lie, and where the images do."""
    import pyarrow as pa

    kinds = {one.name: _carried(one.type) for one in schema}
    image = kinds.get(column)
    beside = ("bytes",) if kinds.get("bytes") == pa.binary() else None
    if image is None and beside:
        return None, beside
    if image is None:
        raise ManifestError(f"{name} has no column {column}; it has {', '.join(kinds) or 'none'}")
    if image in (pa.string(), pa.null()):
        return (column,), beside
    if image == pa.binary():
        return None, (column,)
    fields = {one.name: one.type for one in image} if pa.types.is_struct(image) else {}
    if fields.get("bytes") == pa.binary():
        return (column, "path") if fields.get("path") == pa.string() else None, (column, "bytes")
    raise ManifestError(
        f"{name}, column {column}: is of the type {image}; images are paths (text), files (binary), "
        "or both (a struct of 'bytes' and 'path')"
    )


def _column(batch: pa.RecordBatch, place: Place) -> pa.Array:
    import pyarrow.compute as pc

    column = batch.column(place[0])
    return pc.struct_field(column, list(place[1:])) if place[1:] else column


def _carried(kind: pa.DataType) -> pa.DataType:
    """The type that a column's values are given as: the plain one of those that mean the same."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _carried(kind.value_type)
    if types.is_map(kind):
        return pa.map_(_carried(kind.key_type), _carried(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(_carried(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([(one.name, _carried(one.type)) for one in kind])
    return _carried(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else _simple(kind)


def _simple(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz) if kind.unit == "ns" else kind
    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    same = {
        pa.large_string(): pa.string(),
        pa.string_view(): pa.string(),
        pa.large_binary(): pa.binary(),
        pa.binary_view(): pa.binary(),
        pa.float16(): pa.float32(),
        pa.duration("ns"): pa.duration("us"),
        pa.time64("ns"): pa.time64("us"),
    }
    return same.get(kind, kind)


def _escaped(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")
