"""``agelens export``: a run's best checkpoint as a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.errors import require


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run of 'agelens train'.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the bundle.")],
    licence: Annotated[str, typer.Option(help="Licence of the weights, as the data's terms permit.")] = (
        "not stated: ask who trained it"
    ),
    name: Annotated[str | None, typer.Option(help="Name of the model.", show_default="the recipe's")] = None,
    description: Annotated[str, typer.Option(help="Sentence for the model card.")] = "",
) -> None:
    """Export a run's best checkpoint as ONNX with a model card, checked against torch on real images."""
    for module in ("torch", "lightning", "timm", "onnxscript", "yaml"):
        require(module, "train")
    from agelens.training.export import export_run

    report = export_run(run, output, licence=licence, name=name, description=description)
    size = report.bundle.model.stat().st_size / 1e6
    parity = f"probabilities within {report.largest_difference:.1g} of torch's on {report.images} images"
    typer.echo(f"{output}: {size:.1f} MB; {parity}")
