"""``agelens evaluate``: measure a bundle, or a run, on labelled faces."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agelens.cli import console
from agelens.cli.console import DetectorOption, ModelOption, RuntimeOption
from agelens.cli.options import with_options
from agelens.errors import AgeLensError, ManifestError, OutputError, require
from agelens.inference.options import AnswerOptions

if TYPE_CHECKING:
    from agelens.models.bundle import Bundle
    from agelens.models.measurement import Measurement


@with_options(AnswerOptions, "level", "point", "flip")
def evaluate(
    manifest: Annotated[Path, typer.Option(help="Manifest with the labels.")],
    model: ModelOption = "embedded",
    split: Annotated[str, typer.Option(help="Split to measure on.")] = "test",
    detector: DetectorOption = "whole",
    options: AnswerOptions = AnswerOptions(),
    runtime: RuntimeOption = "onnxruntime",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File for the same JSON.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="CSV for each image's answer and label.")] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a report, one HTML page.")] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="Another model's answers, as NAME=FILE.csv (file, age, gender); needs --report; repeatable."
        ),
    ] = None,
    faces: Annotated[
        bool, typer.Option("--faces", help="Show the largest errors as pictures; needs --report.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Record the figures in the bundle.")] = False,
) -> None:
    """Measure a model on labelled faces, with bootstrap intervals.

    The model may also be a run folder of 'agelens train'; its best checkpoint is exported first.
    """
    from agelens import evaluation
    from agelens.data.manifest import read_manifest
    from agelens.files import check_not_packaged, check_output, write_text
    from agelens.inference.predictor import Predictor
    from agelens.models.bundle import record_measurement

    others = _named_tables(compare)
    if report is None and (others or faces):
        raise AgeLensError(f"{'--compare' if others else '--faces'} is for the report; use --report, too")
    if report is not None:
        require("matplotlib", "report")
    table = read_manifest(manifest).of_split(split)
    for file in filter(None, (output, predictions)):
        check_output(file)
        if file.exists() and file.samefile(manifest):
            raise OutputError(f"{file} is the manifest, and would be replaced; name another file")
    bundle = _bundle_of(model)
    if write:
        check_not_packaged(bundle.folder)
    paths = [table.path(sample) for sample in table.samples]
    console.tell_unless_chips(paths, detector, bundle.spec.crop)
    predictor = Predictor(bundle, detector, runtime=runtime)
    with console.progress("evaluating", len(table.samples)) as advance:
        result = evaluation.evaluate(predictor, table, options, progress=advance)
    text = json.dumps(result.to_dict(), indent=2)
    if output is not None:
        write_text(output, text + "\n")
    if predictions is not None:
        evaluation.write_predictions(predictions, result)
    if report is not None:
        from agelens.evaluation.report import Subject, write_report

        subject = Subject(bundle.spec.licence, shlex.join(["agelens", *sys.argv[1:]]), table.root)
        comparisons = [evaluation.compare(name, path, result.predictions) for name, path in others]
        console.tell(f"agelens: {write_report(report, subject, result, comparisons, faces=faces)}")
    if write:
        record_measurement(bundle, result.measured)
    if as_json:
        typer.echo(text)
    else:
        _print(result.measured)
    if result.problems:
        console.tell_failures(result.problems)
        console.tell(f"agelens: {len(result.problems)} images could not be read and are left out")
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


def _print(measured: Measurement) -> None:
    from rich.console import Console

    from agelens.models import tables

    terminal = Console()
    terminal.print(
        f"[bold]{measured.model} on {measured.split}[/bold]: {measured.images} images, "
        f"{measured.without_face} without a face found; {measured.conditions}"
    )
    for table in tables.summary(measured):
        terminal.print()
        terminal.print(console.rich_table(table))
