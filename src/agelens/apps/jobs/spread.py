"""What a cluster reads, spread over its nodes: images by path or address, and Parquet tables by row group.

An address is one that fsspec opens (``s3://…``, ``gs://…``). A Parquet table is opened where its images are
answered, so that every node must see it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from agelens.data.parquet_table import ParquetTable
from agelens.errors import ManifestError
from agelens.inference.carried import Kinds, carried_names, text, united
from agelens.inference.folders import PassedOver
from agelens.inference.sources import ImageRef, stream
from agelens.inference.tables import own_columns

if TYPE_CHECKING:
    import pyarrow as pa

#: Images of a row group that are handed on together.
_TOGETHER = 16

#: The columns of an image on its way; its row's own columns come behind them.
_FIELDS = ("image", "path", "bytes", "error")


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A part of a Parquet table.

    Attributes:
        name: what the table is called.
        path: where it lies: an absolute path, or an address.
        group: its place in the table, from 0.
        first: the number of its first row in the table, from 1.
        rows: how many it has.
    """

    name: str
    path: str
    group: int
    first: int
    rows: int


def spread(
    paths: Sequence[str], passed_over: PassedOver | None = None
) -> tuple[list[ImageRef | RowGroup], Kinds]:
    """What a cluster reads: images, and the row groups of Parquet tables; and the tables' own columns.

    Raises:
        AgeLensError, ManifestError: as ``agelens.inference.sources.stream``.
    """
    pieces: list[ImageRef | RowGroup] = []
    own: list[Kinds] = []
    for path in paths:
        if path.lower().endswith(".parquet") and ("://" in path or Path(path).is_file()):
            place = path if "://" in path else os.path.abspath(path)
            with _opened(place, path) as table:
                first = 1
                for group, rows in enumerate(table.row_groups):
                    pieces.append(RowGroup(path, place, group, first, rows))
                    first += rows
                own.append(table.kinds)
            if first == 1:
                raise ManifestError(f"{path} holds no rows")
        elif "://" in path:
            pieces.append(ImageRef(path, path))
        else:
            pieces += stream([path], passed_over)
            own.append(own_columns([path]))
    return pieces, united(own)


def read_row_groups(groups: pa.Table, own: Kinds) -> Iterator[pa.Table]:
    """The images of row groups, a few at a time."""
    for group in (RowGroup(**one) for one in groups.to_pylist()):
        folder = os.path.dirname(group.path)
        with _opened(group.path, group.name) as table:
            rows = table.rows(row_groups=[group.group], first=group.first)
            images = (ImageRef.of_row(row, group.name, folder) for row in rows)
            while some := list(islice(images, _TOGETHER)):
                yield packed(some, own)


def packed(images: Iterable[ImageRef], own: Kinds) -> pa.Table:
    """Images as a table, with their rows' own columns; a path is binary, since it may be no UTF-8."""
    import pyarrow as pa

    names = carried_names(own, _FIELDS)
    rows = []
    for image in images:
        values = {name: (image.row or {}).get(name) for name in own}
        carried = {names[name]: text(one) if own[name] is str else one for name, one in values.items()}
        rows.append({"image": image.name, "error": image.error, **_source(image), **carried})
    kinds = dict(zip(_FIELDS, (pa.string(), pa.binary(), pa.binary(), pa.string()), strict=True))
    kinds |= {names[name]: pa.string() if kind is str else kind for name, kind in own.items()}
    return pa.Table.from_pylist(rows, pa.schema(kinds))


def _source(image: ImageRef) -> dict[str, bytes]:
    if isinstance(image.source, bytes):
        return {"bytes": image.source}
    place = cast("str | Path", image.source)
    address = isinstance(place, str) and "://" in place
    return {"path": os.fsencode(place if address else os.path.abspath(place))}


def unpacked(table: pa.Table, own: Kinds) -> Iterator[ImageRef]:
    """The images that were ``packed``."""
    names = carried_names(own, _FIELDS)
    for batch in table.to_batches():
        carried = {name: batch[column].to_pylist() for name, column in names.items()}
        held, paths = batch["bytes"], batch["path"].to_pylist()
        named = zip(batch["image"].to_pylist(), batch["error"].to_pylist(), strict=True)
        for at, (name, error) in enumerate(named):
            source = held[at].as_py() if paths[at] is None else os.fsdecode(paths[at])
            row = {column: values[at] for column, values in carried.items()}
            yield ImageRef(name, source, row or None, error)


def fetched(image: ImageRef) -> ImageRef:
    """An image whose bytes have come along, or whose address has been read, or that says why it cannot be."""
    if image.error is not None or not isinstance(image.source, str) or "://" not in image.source:
        return image
    import fsspec

    try:
        with fsspec.open(image.source, "rb") as file:
            return replace(image, source=file.read())
    except (OSError, ImportError, ValueError) as error:
        return replace(image, error=f"{image.name}: {error}")


@contextmanager
def _opened(path: str, name: str) -> Iterator[ParquetTable]:
    """A Parquet table at a path or an address."""
    if "://" not in path:
        yield ParquetTable(Path(path), name)
        return
    import fsspec

    try:
        file = fsspec.open(path, "rb").open()
    except (OSError, ImportError, ValueError) as error:
        raise ManifestError(f"{name} cannot be read: {error}") from error
    with file:
        yield ParquetTable(file, name)
