"""``agelens evaluate``: measure a bundle, or a run, on labelled faces."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agelens.cli import console
from agelens.cli.console import (
    DetectorName,
    DetectorsOption,
    ModelOption,
    RuntimeOption,
    detectors_of,
    one_each,
)
from agelens.cli.options import with_options
from agelens.errors import AgeLensError, ManifestError, require
from agelens.inference.options import AnswerOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agelens.data.manifest import Manifest
    from agelens.data.problems import Problem
    from agelens.evaluation import Evaluation
    from agelens.inference.predictor import Predictor
    from agelens.models.bundle import Bundle
    from agelens.models.measurement import Coverage, Measurement


@with_options(AnswerOptions, "level", "point", "flip")
def evaluate(
    manifest: Annotated[
        list[Path], typer.Option(help="Manifest with the labels; repeatable, each is measured by itself.")
    ],
    model: ModelOption = "embedded",
    split: Annotated[
        list[str] | None,
        typer.Option(help="Split to measure on, one for all manifests or one each.", show_default="test"),
    ] = None,
    detector: DetectorsOption = None,
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
    from agelens.files import check_local, check_not_packaged, write_text
    from agelens.inference.predictor import Predictor
    from agelens.models.bundle import record_measurement

    others = _named_tables(compare)
    broken = {
        f"{'--compare' if others else '--faces'} is for the report; use --report, too":
            report is None and (others or faces),
        f"{'--report' if report else '--predictions'} is of one manifest; give one alone":
            len(manifest) > 1 and (report or predictions),
    }  # fmt: skip
    if sentence := next((sentence for sentence, is_broken in broken.items() if is_broken), None):
        raise AgeLensError(sentence)
    if report is not None:
        require("matplotlib", "report")
        check_local(report)
    _check_outputs(output, predictions, [*manifest, *(path for _, path in others)])
    splits, detectors = one_each(split, manifest, "--split", "test"), detectors_of(detector, manifest)
    tables = [read_manifest(path).of_split(name) for path, name in zip(manifest, splits, strict=True)]
    bundle = _bundle_of(model)
    if write:
        check_not_packaged(bundle.folder)
    results = [
        _measure(Predictor(bundle, how, runtime=runtime), table, how, options)
        for table, how in zip(tables, detectors, strict=True)
    ]
    if len(tables) > 1:
        results = [evaluation.named_by_data_set(result) for result in results]
    measured = {result.measured.split: result.measured for result in results}
    if len(measured) < len(results):
        raise ManifestError("two of the manifests are of one data set and split; evaluate them one by one")
    contents = {result.measured.split: result.to_dict() for result in results}
    text = json.dumps(contents if len(results) > 1 else results[0].to_dict(), indent=2)
    if output is not None:
        write_text(output, text + "\n")
    if predictions is not None:
        evaluation.write_predictions(predictions, results[0])
    if report is not None:
        from agelens.evaluation.report import Subject, write_report

        subject = Subject(bundle.spec.licence, shlex.join(["agelens", *sys.argv[1:]]), tables[0].root)
        comparisons = [evaluation.compare(name, path, results[0].predictions) for name, path in others]
        console.remark(str(write_report(report, subject, results[0], comparisons, faces=faces)))
    for one in measured.values() if write else ():
        bundle = record_measurement(bundle, one)
    if as_json:
        typer.echo(text)
    else:
        _print(measured, bundle.spec.calibration.unseen)
    _tell_problems([problem for result in results for problem in result.problems])


def _check_outputs(output: Path | None, predictions: Path | None, inputs: list[Path]) -> None:
    """Refuse files that cannot be written, or that are read."""
    from agelens.files import check_output

    for path, suffix in ((output, ".json"), (predictions, ".csv")):
        if path is not None:
            check_output(path, suffix, inputs=inputs)


def _measure(
    predictor: Predictor, table: Manifest, detector: DetectorName, options: AnswerOptions
) -> Evaluation:
    from agelens import evaluation

    paths = [table.path(sample) for sample in table.samples]
    console.tell_unless_chips(paths, detector, predictor.bundle.spec.crop)
    with console.progress("evaluating", len(paths)) as advance:
        return evaluation.evaluate(predictor, table, options, progress=advance)


def _tell_problems(problems: list[Problem]) -> None:
    if problems:
        console.tell_failures(problems)
        console.tell(f"agelens: {len(problems)} images could not be read and are left out")
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


def _print(measurements: Mapping[str, Measurement], unseen: Sequence[Coverage]) -> None:
    from rich.console import Console

    from agelens.models import tables

    terminal = Console()
    if len(measurements) > 1:
        terminal.print(console.rich_table(tables.data_set_table(measurements, unseen)))
        terminal.print()
    for measured in measurements.values():
        terminal.print(
            f"[bold]{measured.model} on {measured.split}[/bold]: {measured.images} images, "
            f"{measured.without_face} without a face found; {measured.conditions}"
        )
        for table in tables.summary(measured):
            terminal.print()
            terminal.print(console.rich_table(table))
        terminal.print()
