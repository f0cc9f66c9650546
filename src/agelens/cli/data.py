"""``agelens data``: import labelled faces, deal out splits, pack images for training."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from agelens.cli import audit
from agelens.cli.console import ManifestArgument, progress, tell, tell_failures
from agelens.errors import ManifestError

app = typer.Typer(help="Labelled faces: import them, deal out splits, pack them.", no_args_is_help=True)

app.command("audit")(audit.audit_data)


@app.command("import")
def import_data(
    reader: Annotated[
        Literal["utkface", "competition", "fairface", "appa-real", "agedb", "imdb-wiki", "folder"],
        typer.Argument(help="The source's layout; 'folder' is any CSV."),
    ],
    source: Annotated[Path, typer.Argument(help="A folder or tar; for 'folder', the CSV.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The manifest, .csv or .parquet.")],
    gender_code: Annotated[
        str | None, typer.Option(help="What the source's gender codes mean, as 0=male,1=female.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="folder: ours=theirs, as age=real_age; may be repeated.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="folder: where the images lie, if not beside the CSV.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="folder: pass over rows where column=value; may be repeated.")
    ] = None,
    source_name: Annotated[str, typer.Option(help="folder: the manifest's 'source'.")] = "",
    apparent: Annotated[
        bool, typer.Option("--apparent", help="appa-real: the raters' age with its spread, not the real one.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first faulty row.")] = False,
) -> None:
    """Turn labelled faces of any layout into a manifest.

    Rows that cannot be used are named and left out; the exit code is then 1.
    """
    from agelens.data.manifest import write_manifest
    from agelens.data.readers.agedb import read_agedb
    from agelens.data.readers.appa_real import read_appa_real
    from agelens.data.readers.competition import read_competition
    from agelens.data.readers.fairface import read_fairface
    from agelens.data.readers.folder import read_folder
    from agelens.data.readers.imdb_wiki import read_imdb_wiki
    from agelens.data.readers.utkface import read_utkface
    from agelens.labels import parse_gender_code

    code = parse_gender_code(gender_code) if gender_code else None
    match reader:
        case "utkface":
            report = read_utkface(source, output, strict=strict)
        case "competition":
            report = read_competition(source, output, gender_code=code, strict=strict)
        case "fairface":
            report = read_fairface(source, output, strict=strict)
        case "appa-real":
            report = read_appa_real(source, output, apparent=apparent, strict=strict)
        case "agedb":
            report = read_agedb(source, output, strict=strict)
        case "imdb-wiki":
            report = read_imdb_wiki(source, output, strict=strict)
        case "folder":
            report = read_folder(
                source,
                output,
                columns=_pairs("--column", column),
                images=images,
                gender_code=code,
                exclude=_pairs("--exclude", exclude),
                constants={"source": source_name} if source_name else {},
                strict=strict,
            )
    if not report.samples:
        tell_failures(report.problems)
        raise ManifestError(f"no row of {source} could be used")
    write_manifest(output, report.samples)
    splits = Counter(sample.split or "(none)" for sample in report.samples)
    counts = ", ".join(f"{name} {count}" for name, count in sorted(splits.items()))
    typer.echo(f"{output}: {len(report.samples)} images; splits: {counts}")
    if report.passed_over:
        typer.echo(f"{report.passed_over} rows outside the clean subset were passed over")
    if report.clipped:
        typer.echo(f"{report.clipped} ages above 100 years were read as 100")
    if report.problems:
        tell_failures(report.problems)
        tell(f"agelens: {len(report.problems)} rows were left out")
        raise typer.Exit(1)


@app.command("split")
def split_data(
    manifest: ManifestArgument,
    ratio: Annotated[str, typer.Option(help="Shares of the splits.")] = "train=0.8,val=0.1,test=0.1",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: the manifest itself.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the dealing.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Deal out rows that have a split, too.")] = False,
    of: Annotated[
        str, typer.Option(help="Deal out only this split's rows anew (and those without), as 'train'.")
    ] = "",
) -> None:
    """Deal images out to splits, by age band and gender, keeping people and duplicates together."""
    from agelens.data.manifest import read_manifest, write_manifest
    from agelens.data.split import parse_ratio, split_samples

    shares = parse_ratio(ratio)
    if output is not None and output.resolve().parent != manifest.resolve().parent:
        raise ManifestError(
            "a manifest's image paths start from its folder; write the new one beside the old"
        )
    samples = split_samples(read_manifest(manifest).samples, shares, seed=seed, again=again, of=of)
    write_manifest(output or manifest, samples)
    counts = Counter(sample.split for sample in samples)
    typer.echo(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))


@app.command("pack")
def pack_data(
    manifest: ManifestArgument,
    size: Annotated[int, typer.Option(min=16, max=1024, help="Side of the packed squares, pixels.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The pack's folder.")],
    detector: Annotated[
        Literal["auto", "yunet", "haar", "whole"],
        typer.Option(help="How faces are found and aligned; 'whole' for images that are aligned faces."),
    ] = "whole",
    workers: Annotated[int, typer.Option(min=1, help="Decoding threads.")] = 2,
) -> None:
    """Decode and resize every image once, into shards that training reads without decoding."""
    from agelens.data.manifest import read_manifest
    from agelens.data.pack import write_pack
    from agelens.errors import ImageError
    from agelens.faces.crop import CropConvention, crop_face
    from agelens.faces.detection import make_detector
    from agelens.faces.images import Pixels

    finder, convention = make_detector(detector), CropConvention()

    def crop(pixels: Pixels, side: int) -> Pixels:
        if not (found := finder.detect(pixels)):
            raise ImageError("no face was found in it")
        return crop_face(pixels, found[0], finder.name, convention, side)

    table = read_manifest(manifest)
    with progress("packing", len(table.samples)) as advance:
        report = write_pack(table, output, size, crop=crop, progress=advance, workers=workers)
    typer.echo(f"{output}: {report.packed} images of {size} × {size}")
    if report.problems:
        tell_failures(report.problems)
        tell(f"agelens: {len(report.problems)} images were left out")
        raise typer.Exit(1)


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        if not separator:
            raise ManifestError(f"{option} {text!r} is not of the form name=value")
        pairs[name] = value
    return pairs
