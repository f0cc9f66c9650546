"""``agelens evaluate``: measure a bundle, or a run, on labelled faces."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agelens.cli.console import ModelOption, progress, tell, tell_failures
from agelens.errors import ManifestError, require

if TYPE_CHECKING:
    from rich.console import Console

    from agelens.evaluation.run import Evaluation
    from agelens.models.bundle import Bundle

_LABELS = {
    "score": ("competition score", "{:.4f}"),
    "mae": ("age MAE, years", "{:.2f}"),
    "rmse": ("age RMSE, years", "{:.2f}"),
    "bias": ("age bias, years", "{:+.2f}"),
    "cs5": ("ages within 5 years", "{:.1%}"),
    "crps": ("age CRPS, years", "{:.2f}"),
    "interval_coverage": ("interval coverage", "{:.1%}"),
    "interval_width": ("interval width, years", "{:.1f}"),
    "uncalibrated_coverage": ("uncalibrated interval coverage", "{:.1%}"),
    "uncalibrated_width": ("uncalibrated interval width, years", "{:.1f}"),
    "adult_calibration_error": ("ECE of P(age ≥ 18)", "{:.4f}"),
    "gender_calibration_error": ("ECE of gender", "{:.4f}"),
    "gender_accuracy": ("gender accuracy", "{:.1%}"),
    "gender_macro_f1": ("gender macro F1", "{:.4f}"),
}


def evaluate(
    manifest: Annotated[Path, typer.Option(help="The manifest with the labels.")],
    model: ModelOption = "embedded",
    split: Annotated[str, typer.Option(help="The split to measure on.")] = "test",
    detector: Annotated[
        Literal["auto", "yunet", "haar", "whole"],
        typer.Option(help="'whole' for aligned faces, as UTKFace's chips are; else how faces are found."),
    ] = "whole",
    flip: Annotated[bool, typer.Option("--flip", help="Average each face with its mirror image.")] = False,
    point: Annotated[
        Literal["mean", "median"],
        typer.Option(help="Of each distribution: the mean makes RMSE least, the median MAE."),
    ] = "mean",
    level: Annotated[float, typer.Option(min=0.5, max=0.99, help="Of the age intervals.")] = 0.9,
    runtime: Annotated[
        Literal["onnxruntime", "openvino"], typer.Option(help="What computes the network.")
    ] = "onnxruntime",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the JSON here.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="Write each image's answer here, as CSV.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write a self-contained HTML page into this folder.")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(help="In the report: name=predictions.csv of another model (file, age, gender)."),
    ] = None,
    faces: Annotated[
        bool, typer.Option("--faces", help="In the report: show the largest errors as pictures.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Record the figures in the bundle and its card.")
    ] = False,
) -> None:
    """Measure a model on labelled faces, with bootstrap intervals.

    MODEL may also be a run folder of 'agelens train'; its best checkpoint is exported first.
    """
    from agelens.data.manifest import read_manifest
    from agelens.evaluation.run import evaluate as measure
    from agelens.evaluation.run import write_predictions
    from agelens.files import write_text
    from agelens.inference.predictor import Predictor

    others = _named_tables(compare)
    if report is not None:
        require("matplotlib", "report")
    bundle = _bundle_of(model)
    table = read_manifest(manifest).of_split(split)
    predictor = Predictor(bundle, detector, runtime=runtime)
    with progress("evaluating", len(table.samples)) as advance:
        result = measure(predictor, table, flip=flip, point=point, level=level, progress=advance)
    about = {"model": bundle.spec.name, "split": split, "detector": detector, "flip": flip}
    about |= {"point": point, "level": level, "runtime": runtime}
    figures = {**about, **result.to_dict()}
    if output is not None:
        write_text(output, json.dumps(figures, indent=2) + "\n")
    if predictions is not None:
        write_predictions(predictions, result)
    if report is not None:
        from agelens.evaluation.compare import compare as beside
        from agelens.evaluation.report.page import Subject, write_report

        command = shlex.join(["agelens", *sys.argv[1:]])
        subject = Subject(bundle.spec.name, split, bundle.spec.licence, command, table.root)
        comparisons = [beside(name, path, result.predictions) for name, path in others]
        tell(f"agelens: {write_report(report, subject, result, comparisons, faces=faces)}")
    if write:
        from agelens.models.card import record_metrics

        record_metrics(bundle, split, figures)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        _print(
            result,
            f"{bundle.spec.name} on {split}, detector {detector}{', flip-averaged' if flip else ''}",
            level,
        )
    if result.problems:
        tell_failures(result.problems)
        tell(f"agelens: {len(result.problems)} images could not be read and are left out")
        raise typer.Exit(1)


def _named_tables(texts: list[str] | None) -> list[tuple[str, Path]]:
    pairs = [text.partition("=") for text in texts or ()]
    if wrong := [name for name, separator, _ in pairs if not separator]:
        raise ManifestError(f"--compare {wrong[0]!r} is not of the form name=predictions.csv")
    return [(name, Path(path)) for name, _, path in pairs]


def _bundle_of(model: str) -> Bundle:
    from agelens.models.catalogue import resolve

    run = Path(model)
    if not (run / "checkpoints").is_dir():
        return resolve(model)
    require("torch", "train")
    from agelens.training.export import bundle_of_run

    return bundle_of_run(run)


def _print(result: Evaluation, title: str, level: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from agelens.conformal import REPORTED_LEVELS

    console = Console()
    console.print(f"[bold]{title}[/bold]: {result.images} images, {result.without_face} without a face found")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("figure", justify="right")
    table.add_column("95 % bootstrap", justify="right")
    for key, (label, form) in _LABELS.items():
        if (figure := result.figures.get(key)) is not None:
            name = label.replace("interval", f"{level:.0%} interval") if "interval" in label else label
            table.add_row(
                name, form.format(figure.value), f"{form.format(figure.low)} – {form.format(figure.high)}"
            )
    console.print(table)
    bands = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("group", "images", "MAE", "bias", "gender"):
        bands.add_column(name, justify="left" if name == "group" else "right")
    for group in (group for group in result.groups if not group.crossed):
        name = f"age {group.name}" if group.by == "age" else group.name
        bands.add_row(
            name,
            str(group.images),
            "" if group.mae is None else f"{group.mae:.2f}",
            "" if group.bias is None else f"{group.bias:+.2f}",
            "" if group.gender_accuracy is None else f"{group.gender_accuracy:.1%}",
        )
    console.print()
    console.print(bands)
    _print_gaps(console, result)
    if result.coverage:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("predicted age")
        table.add_column("images", justify="right")
        for share in REPORTED_LEVELS:
            table.add_column(f"{share:.0%} hold", justify="right")
        table.add_column("90% width", justify="right")
        for band in result.coverage:
            held = [f"{share:.1%}" for share in band.held]
            width = band.widths[REPORTED_LEVELS.index(0.9)]
            table.add_row(band.band, str(band.images), *held, f"{width:.1f}")
        console.print()
        console.print(table)


def _print_gaps(console: Console, result: Evaluation) -> None:
    from rich.table import Table

    from agelens.evaluation.gaps import LABELS

    if not result.gaps:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("gap", "left"), ("served worst", "left"), ("served best", "left"), ("", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for gap in result.gaps:
        scale, unit = (1, "") if gap.figure == "mae" else (100, " %")
        low, middle, high = (scale * bound for bound in (gap.gap.low, gap.gap.value, gap.gap.high))
        table.add_row(
            f"{LABELS[gap.figure]} by {gap.by}",
            f"{gap.worst}: {scale * gap.worst_value:.1f}{unit}",
            f"{gap.best}: {scale * gap.best_value:.1f}{unit}",
            f"{middle:.1f} [{low:.1f}, {high:.1f}]",
        )
    console.print()
    console.print(table)
