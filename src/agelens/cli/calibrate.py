"""``agelens calibrate``: temperatures, conformal intervals and a scale of quality, fitted on validation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.cli.console import DetectorsOption, ModelOption, detectors_of, progress, tell_unless_chips


def calibrate(
    manifest: Annotated[
        list[Path], typer.Option(help="Manifest with the labels; repeatable, for several data sets.")
    ],
    model: ModelOption = "embedded",
    split: Annotated[
        list[str] | None,
        typer.Option(help="Split to fit on, never the one to report on; repeatable.", show_default="val"),
    ] = None,
    flatten: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Prior correction: divide each age's probability by its frequency in 'train' to this power; "
            "0 takes it back (default: as the bundle has it).",
        ),
    ] = None,
    flatten_from: Annotated[
        int,
        typer.Option(min=0, max=100, help="Youngest age of the prior correction, years; needs --flatten."),
    ] = 0,
    quality_only: Annotated[
        bool, typer.Option("--quality-only", help="Fit the scale of quality alone; this needs no labels.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Take what is fitted even where it is no better.")
    ] = False,
    detector: DetectorsOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for a calibrated copy (default: in place).")
    ] = None,
) -> None:
    """Fit a bundle's intervals and probabilities so that they hold as often as they say.

    Each part is measured on faces left out of its fit; one that is not better than what the bundle has, by
    more than chance, is left as it is. The bundle and its card are rewritten, or a copy of them; figures
    recorded before are dropped.
    """
    from agelens import evaluation
    from agelens.data.manifest import read_manifest
    from agelens.errors import AgeLensError
    from agelens.models.catalogue import resolve

    if quality_only and flatten is not None:
        raise AgeLensError("--quality-only leaves the ages as they are, --flatten does not: give one of them")
    if flatten_from and not flatten:
        raise AgeLensError("--flatten-from says from which age on, but not how much; use --flatten, too")
    splits, bundle, images = split or ["val"], resolve(model), 0
    detectors = detectors_of(detector, manifest)
    tables = list(zip(map(read_manifest, manifest), detectors, strict=True))
    for table, how in tables:
        paths = [table.path(sample) for name in splits for sample in table.of_split(name).samples]
        images += len(paths)
        tell_unless_chips(paths, how, bundle.spec.crop)
    with progress("reading faces", images) as advance:
        report = evaluation.calibrate(
            bundle,
            tables[0][0],
            splits,
            flatten=flatten,
            flatten_from=flatten_from,
            quality_only=quality_only,
            force=force,
            detector=tables[0][1],
            also=tables[1:],
            output=output,
            progress=advance,
        )
    done = "calibrated" if report.changed else "left as it is"
    named = " and ".join(dict.fromkeys(splits))
    typer.echo(
        f"{report.bundle.folder}: {done}, by {report.images} images of {named} "
        f"({report.exact_ages} exact ages, {report.genders} genders)"
    )
    for one in report.decisions:
        typer.echo(f"{one.part:<10} {one.said}")
    if report.changed:
        typer.echo("recorded metrics are dropped: run 'agelens evaluate --write' anew")
