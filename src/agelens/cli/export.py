"""``agelens export``: a run's best checkpoint as a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.errors import require


def export(
    run: Annotated[Path, typer.Argument(help="A run folder of 'agelens train'.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle's folder.")],
    licence: Annotated[
        str, typer.Option(help="Of the weights, as the data they were trained on permits.")
    ] = "not stated: ask who trained it",
    name: Annotated[str | None, typer.Option(help="The model's name; default: the recipe's.")] = None,
    description: Annotated[str, typer.Option(help="One sentence for the card.")] = "",
) -> None:
    """Export ONNX, checked against torch on real images, with hashes and a model card."""
    for module in ("torch", "lightning", "timm", "onnxscript", "yaml"):
        require(module, "train")
    from agelens.training.export import export_run

    report = export_run(run, output, licence=licence, name=name, description=description)
    size = report.bundle.model.stat().st_size / 1e6
    typer.echo(
        f"{output}: {size:.1f} MB; probabilities within {report.largest_difference:.1g} of torch's "
        f"on {report.images} images"
    )
