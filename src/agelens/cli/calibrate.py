"""``agelens calibrate``: temperatures and conformal intervals, fitted on validation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.cli.console import DetectorOption, ModelOption, progress


def calibrate(
    manifest: Annotated[Path, typer.Option(help="Manifest with the labels.")],
    model: ModelOption = "embedded",
    split: Annotated[
        list[str] | None,
        typer.Option(help="Split to fit on, never the one to report on; repeatable.", show_default="val"),
    ] = None,
    flatten: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Prior correction: divide each age's probability by its frequency in 'train' to this power.",
        ),
    ] = 0.0,
    flatten_from: Annotated[
        int,
        typer.Option(min=0, max=100, help="Youngest age of the prior correction, years; needs --flatten."),
    ] = 0,
    detector: DetectorOption = "whole",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for a calibrated copy (default: in place).")
    ] = None,
) -> None:
    """Fit a bundle's intervals and probabilities so that they hold as often as they say.

    The bundle and its card are rewritten, or a copy of them; figures recorded before are dropped.
    """
    from agelens import evaluation
    from agelens.data.manifest import read_manifest
    from agelens.errors import AgeLensError
    from agelens.figures import FIGURES
    from agelens.models.catalogue import resolve

    if flatten_from and not flatten:
        raise AgeLensError("--flatten-from says from which age on, but not how much; use --flatten, too")
    table = read_manifest(manifest)
    splits = split or ["val"]
    with progress("reading faces", sum(len(table.of_split(name).samples) for name in splits)) as advance:
        report = evaluation.calibrate(
            resolve(model),
            table,
            splits,
            flatten=flatten,
            flatten_from=flatten_from,
            detector=detector,
            output=output,
            progress=advance,
        )
    fitted, nll = report.bundle.spec.calibration, FIGURES["nll"]
    typer.echo(f"{report.bundle.folder}: calibrated on {fitted.images} images of {fitted.fitted_on}")
    for name, temperature, (before, after) in (
        ("age", fitted.age_temperature, report.age_nll),
        ("gender", fitted.gender_temperature, report.gender_nll),
    ):
        change = f"{nll.written(before)} -> {nll.written(after)}"
        typer.echo(f"{name:<7} temperature {temperature:.3f}; {nll.name} {change} {nll.unit}")
    typer.echo("recorded metrics are dropped: run 'agelens evaluate --write' anew")
