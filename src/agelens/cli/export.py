"""``agelens export``: a run's best checkpoint as a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.errors import require


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run of 'agelens train', or its checkpoint.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the bundle.")],
    licence: Annotated[str, typer.Option(help="Licence of the weights, as the data's terms permit.")] = (
        "not stated: ask who trained it"
    ),
    name: Annotated[str | None, typer.Option(help="Name of the model.", show_default="the run's")] = None,
    description: Annotated[str, typer.Option(help="Sentence for the model card.")] = "",
    initial_weights: Annotated[
        str | None,
        typer.Option(help="What the weights started from.", show_default="as the run's record tells"),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(
            help="Folder, manifest or pack to compare with torch on.",
            show_default="the run's own; else the package's pictures",
        ),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Store the weights in half precision; half the size.")
    ] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Add the weights that 'agelens train --start-from' takes.")
    ] = False,
) -> None:
    """Export a run's best checkpoint as ONNX with a model card, checked against torch on faces."""
    for module in ("torch", "lightning", "timm", "onnxscript", "yaml"):
        require(module, "train")
    from agelens.training.export import export_run

    report = export_run(
        run,
        output,
        licence=licence,
        name=name,
        description=description,
        initial_weights=initial_weights,
        faces=faces,
        half=half,
        weights=weights,
    )
    size = report.bundle.model.stat().st_size / 1e6
    told = [
        f"{output}: {size:.1f} MB",
        f"probabilities within {report.largest_difference:.1g} of torch's on {report.compared.told}",
    ]
    if report.half_change is not None:
        told.append(f"half precision changes an age by {report.half_change:.2g} years at most")
    typer.echo("; ".join(told))
