"""``agelens data``: import labelled faces, deal out splits, pack images for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agelens.cli import audit
from agelens.cli.console import (
    DetectorOption,
    ManifestArgument,
    progress,
    tell,
    tell_failures,
    tell_unless_chips,
)
from agelens.data.readers import DATA_SETS
from agelens.errors import ManifestError

if TYPE_CHECKING:
    from agelens.data.problems import Problem
    from agelens.labels import Sample

    DataSetName = str
else:  # the names that Typer offers are those of the table
    DataSetName = Literal[tuple(DATA_SETS)]

app = typer.Typer(help="Labelled faces: import, split, audit and pack them.", no_args_is_help=True)

app.command("audit")(audit.audit_data)


@app.command("import")
def import_data(
    data_set: Annotated[
        DataSetName, typer.Argument(help="Data set; 'folder' is any CSV, 'parquet' any table of images.")
    ],
    source: Annotated[Path, typer.Argument(help="Folder or tar of the data set, or its table.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, .csv or .parquet.")],
    gender_code: Annotated[str | None, typer.Option(help="Gender codes, such as 0=male,1=female.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--column", help="Column=the table's, as age=real_age; repeatable.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Images not beside the CSV; for 'parquet', where to write them.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Rows to pass over, as column=value.")] = None,
    source_name: Annotated[str | None, typer.Option(help="Name of the source, for every row.")] = None,
    apparent: Annotated[bool, typer.Option("--apparent", help="Apparent ages, not the real ones.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first faulty row.")] = False,
) -> None:
    """Turn labelled faces of any layout into a manifest.

    Rows that cannot be used are named and left out; the exit code is then 1. An option that the data set does
    not take is an error.
    """
    from agelens.data.manifest import check_manifest_output, write_manifest
    from agelens.labels import parse_gender_code

    check_manifest_output(output, [source])

    given = {
        "gender_code": parse_gender_code(gender_code) if gender_code else None,
        "columns": _pairs("--column", columns),
        "images": images,
        "exclude": _pairs("--exclude", exclude),
        "source_name": source_name,
        "apparent": apparent,
    }
    options = {name: value for name, value in given.items() if value}
    taken = DATA_SETS[data_set].options
    if foreign := [name for name in options if name not in taken]:
        raise ManifestError(
            f"{_flags(foreign)} cannot be used with the data set {data_set!r}, "
            f"which takes {_flags(taken) or 'no such option'}"
        )
    report = DATA_SETS[data_set].read(source, output, strict=strict, **options)
    if not report.samples:
        tell_failures(report.problems)
        raise ManifestError(f"no row of {source} could be used")
    write_manifest(output, report.samples)
    typer.echo(f"{output}: {len(report.samples)} images; splits: {_splits(report.samples)}")
    labels = ", ".join(f"{name} {count}" for name, count in report.labels().items()) or "none"
    unused = f"; columns not used: {', '.join(report.unused)}" if report.unused else ""
    typer.echo(f"labels read: {labels}{unused}")
    if report.passed_over:
        typer.echo(f"{report.passed_over} rows outside the clean subset were passed over")
    if report.clipped:
        typer.echo(f"{report.clipped} ages above 100 years were read as 100")
    _conclude(report.problems, "rows")


@app.command("split")
def split_data(
    manifest: ManifestArgument,
    ratio: Annotated[str, typer.Option(help="Splits and their shares.")] = "train=0.8,val=0.1,test=0.1",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="New manifest.", show_default="the manifest itself")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Re-split the rows that have a split, too.")] = False,
    of: Annotated[str, typer.Option(help="Re-split this split's rows, too.", show_default=False)] = "",
) -> None:
    """Deal images out to splits, by age band and gender, keeping people and duplicates together."""
    from agelens.data.manifest import read_manifest, write_manifest
    from agelens.data.split import parse_ratio, split_samples

    if again and of:
        raise ManifestError("--again re-splits every row, --of only those of one split: give one of them")
    shares = parse_ratio(ratio)
    if output is not None:
        audit.check_beside(manifest, output, [manifest])
    samples = split_samples(read_manifest(manifest).samples, shares, seed=seed, again=again, of=of)
    write_manifest(output or manifest, samples)
    typer.echo(_splits(samples))


@app.command("pack")
def pack_data(
    manifest: ManifestArgument,
    size: Annotated[int, typer.Option(min=16, max=1024, help="Side of the packed squares, pixels.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the pack.")],
    detector: DetectorOption = "whole",
    workers: Annotated[int, typer.Option(min=1, help="Decoding threads.")] = 2,
) -> None:
    """Decode and resize every image once, into shards that training reads without decoding."""
    from agelens.data.manifest import read_manifest
    from agelens.data.pack import crop_found, write_pack
    from agelens.faces.crop import CropConvention
    from agelens.faces.detection import make_detector

    crop = crop_found(make_detector(detector))
    table = read_manifest(manifest)
    tell_unless_chips([table.path(sample) for sample in table.samples], detector, CropConvention())
    with progress("packing", len(table.samples)) as advance:
        problems = write_pack(table, output, size, crop=crop, progress=advance, workers=workers)
    typer.echo(f"{output}: {len(table.samples) - len(problems)} images of {size} × {size}")
    _conclude(problems, "images")


def _conclude(problems: Sequence[Problem], what: str) -> None:
    """Name what was left out, and exit with 1 if anything was."""
    if problems:
        tell_failures(problems)
        tell(f"agelens: {len(problems)} {what} were left out")
        raise typer.Exit(1)


def _splits(samples: Sequence[Sample]) -> str:
    counts = Counter(sample.split or "(none)" for sample in samples)
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _flags(names: Sequence[str]) -> str:
    """The command line's spelling of a reader's options."""
    return ", ".join("--column" if name == "columns" else f"--{name.replace('_', '-')}" for name in names)


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        if not separator:
            raise ManifestError(f"{option} {text!r} is not of the form name=value")
        pairs[name] = value
    return pairs
