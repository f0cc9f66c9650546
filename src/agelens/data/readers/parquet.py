"""Parquet that holds the images themselves, as Hugging Face's ``datasets`` writes it.

A manifest names image files, so the images are written out once: a folder a table, a file a row.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from agelens.data.manifest import to_text
from agelens.data.parquet_table import ImageRow, ParquetTable
from agelens.data.readers.base import ImportReport
from agelens.data.readers.folder import check_columns
from agelens.errors import LabelError, ManifestError
from agelens.faces.images import FORMATS
from agelens.files import resolved, written_whole
from agelens.labels import Gender


def read_parquet(
    source: Path,
    manifest: Path,
    *,
    columns: Mapping[str, str] | None = None,
    images: Path | None = None,
    gender_code: dict[str, Gender] | None = None,
    exclude: Mapping[str, str] | None = None,
    source_name: str = "",
    strict: bool = False,
) -> ImportReport:
    """Read a Parquet table, or all of a folder, and write out the images.

    Where ``datasets`` has noted what a column's numbers stand for, its words are read.

    Args:
        columns: manifest column -> the table's; a name not given maps to itself where the table has it.
        images: the folder to write to; ``manifest-images`` beside the manifest unless given.
        gender_code: the table's own words for gender; without one, 'male' and 'female' are expected.
        exclude: table column -> value of rows to pass over.
        source_name: the manifest's ``source``, for every row; the table's own column unless given.

    Raises:
        ManifestError: no such table, it cannot be read, lacks a mapped column, an image would replace another
            file, or (strict) a row is at fault.
        MissingExtraError: pyarrow is not installed.
    """
    columns, exclude = columns or {}, exclude or {}
    root = source if source.is_dir() else source.parent
    tables = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
    if not tables:
        raise ManifestError(f"{source} holds no .parquet file")
    goal = images or manifest.parent / f"{manifest.stem}-images"
    report = ImportReport(strict=strict)
    for path in tables:
        table = ParquetTable(path, image=columns.get("image", "image"))
        mapped = check_columns(
            path,
            table.kinds,
            {name: column for name, column in columns.items() if name != "image"},
            exclude,
            gender_code,
        )
        report.leave_unused(table.kinds, [*mapped.values(), *exclude])
        folder = goal / path.relative_to(root).with_suffix("")
        for row in table.rows():
            texts = {name: _text(value, table.class_names.get(name)) for name, value in row.values.items()}
            if any(texts[column] == value for column, value in exclude.items()):
                continue
            with report.row(f"{path.name} row {row.number}"):
                labels = {name: texts[column].strip() for name, column in mapped.items()}
                labels |= {"source": source_name} if source_name else {}
                image = _written(row, folder) or _beside(row, path)
                report.add(labels | {"image": _named(image, manifest)}, gender_code)
    return report


def _text(value: object, words: list[str] | None) -> str:
    if words is not None and isinstance(value, int):
        return words[value] if 0 <= value < len(words) else ""
    return to_text(value)


def _written(row: ImageRow, folder: Path) -> Path | None:
    """The file that a row's bytes are written to; None where it has none."""
    if row.content is None:
        return None
    try:
        with Image.open(io.BytesIO(row.content), formats=FORMATS) as image:
            kind = str(image.format)
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise LabelError(f"column image: is no image in a known format: {error}") from None
    path = folder / f"{row.number:07d}.{'jpg' if kind in ('JPEG', 'MPO') else kind.lower()}"
    if not path.exists():
        with written_whole(path) as temporary:
            temporary.write_bytes(row.content)
    elif path.read_bytes() != row.content:
        raise ManifestError(f"{path} is another image already; name an empty folder with --images")
    return path


def _beside(row: ImageRow, table: Path) -> Path:
    """The file that a row names."""
    path = table.parent / row.path
    if not row.path or not path.is_file():
        raise LabelError(f"column image: there is no image {row.path!r}")
    return path


def _named(image: Path, manifest: Path) -> str:
    """How the manifest names an image: relative where it lies below it, else absolute."""
    full, root = resolved(image), resolved(manifest.parent)
    return (full.relative_to(root) if full.is_relative_to(root) else full).as_posix()
