"""``agelens calibrate``: temperatures and conformal intervals, fitted on validation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from agelens.cli.console import ModelOption, progress


def calibrate(
    manifest: Annotated[Path, typer.Option(help="The manifest with the labels.")],
    model: ModelOption = "embedded",
    split: Annotated[
        list[str] | None,
        typer.Option(help="To fit on (default: val); repeatable; never the one to report on."),
    ] = None,
    flatten: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Divide by the ages' frequencies in 'train' to this power: less pull to them."
        ),
    ] = 0.0,
    flatten_from: Annotated[int, typer.Option(min=0, max=100, help="Only from this age on.")] = 0,
    detector: Annotated[
        Literal["auto", "yunet", "haar", "whole"],
        typer.Option(help="'whole' for aligned faces, as UTKFace's chips are; else how faces are found."),
    ] = "whole",
) -> None:
    """Make a bundle's intervals and probabilities hold as often as they say; rewrites the bundle."""
    from agelens.data.manifest import read_manifest
    from agelens.evaluation.calibrate import calibrate as fit
    from agelens.models.catalogue import resolve

    table = read_manifest(manifest)
    splits = split or ["val"]
    with progress("reading faces", sum(len(table.of_split(name).samples) for name in splits)) as advance:
        report = fit(
            resolve(model),
            table,
            splits,
            flatten=flatten,
            flatten_from=flatten_from,
            detector=detector,
            progress=advance,
        )
    fitted = report.bundle.spec.calibration
    typer.echo(f"{report.bundle.folder}: calibrated on {fitted.images} images of {fitted.fitted_on}")
    for name, temperature, (before, after) in (
        ("age", fitted.age_temperature, report.age_nll),
        ("gender", fitted.gender_temperature, report.gender_nll),
    ):
        typer.echo(f"{name:<7} temperature {temperature:.3f}; NLL {before:.4f} -> {after:.4f} nats a face")
    typer.echo("recorded metrics are dropped: run 'agelens evaluate --write' anew")
