"""``agelens predict``: read the faces of images, folders, manifests, globs; small and very large."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from agelens.cli.console import ModelOption, progress, tell, tell_failures
from agelens.cli.printing import Format, table_for_people, text_of
from agelens.errors import AgeLensError

if TYPE_CHECKING:
    from agelens.apps.jobs.job import Report
    from agelens.inference.answers import Answer
    from agelens.inference.predictor import Predictor
    from agelens.inference.runtimes import RuntimeName
    from agelens.inference.sources import Named


def predict(
    paths: Annotated[
        list[str],
        typer.Argument(help="Images, folders, manifests (.csv, .parquet), globs; a video or 0."),
    ],
    model: ModelOption = "embedded",
    detector: Annotated[
        Literal["auto", "yunet", "haar", "whole"],
        typer.Option(help="How faces are found; 'whole' takes each image as one aligned face."),
    ] = "auto",
    yunet: Annotated[Path | None, typer.Option(help="YuNet's file, if it is not in the cache.")] = None,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="Default: by --output's suffix, else a table.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", help="Write here, not to stdout; .parquet streams and resumes after a stop."
        ),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Also save each image with its faces drawn in, to this folder.")
    ] = None,
    level: Annotated[
        float, typer.Option(min=0.5, max=0.99, help="How often the age interval shall hold.")
    ] = 0.9,
    at_least: Annotated[
        int | None,
        typer.Option(min=0, max=100, help="Also answer how probable it is to be so many years old or older."),
    ] = None,
    min_quality: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Refuse faces of less quality (0..1); each refusal is said."),
    ] = 0.0,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: all cores.")] = None,
    runtime: Annotated[
        Literal["onnxruntime", "openvino"],
        typer.Option(help="'openvino' (an extra) is faster where the CPU multiplies bfloat16."),
    ] = "onnxruntime",
    engine: Annotated[
        Literal["here", "ray"], typer.Option(help="'ray' deals a .parquet job out to a Ray cluster.")
    ] = "here",
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster; default: one on this machine.")
    ] = None,
) -> None:
    """Read age and gender of every face in images.

    Exit code 0 if every image was read, 1 if some could not be (each is named), 2 on wrong use.
    """
    from agelens.inference.video import is_video

    choices = _Choices(detector, level, at_least, min_quality, runtime)
    job = output is not None and output.endswith(".parquet")
    if job and (format is not None or annotate is not None):
        raise AgeLensError("a .parquet job has no --format and no --annotate")
    if engine == "ray":
        if not job:
            raise AgeLensError("--engine ray writes one Parquet table: name it with --output NAME.parquet")
        if yunet is not None or threads is not None:
            raise AgeLensError("--engine ray has no --yunet (AGELENS_YUNET on each node) and no --threads")
        _conclude(_on_ray(paths, model, str(output), choices, address), str(output), min_quality)
        return
    from agelens.inference.predictor import Predictor
    from agelens.models.catalogue import resolve

    predictor = Predictor(resolve(model), detector, threads=threads, runtime=runtime, yunet=yunet)
    if any(is_video(path) for path in paths):
        if format not in (None, "jsonl"):
            raise AgeLensError("a video's answers are JSON lines: --output NAME.jsonl, without --format")
        _video(predictor, paths, output, annotate, choices)
    elif job and output is not None:
        _conclude(_job(predictor, paths, Path(output), choices), output, min_quality)
    else:
        _images(predictor, paths, format or _by_suffix(output), output, annotate, choices)


class _Choices(NamedTuple):
    detector: str
    level: float
    at_least: int | None
    min_quality: float
    runtime: RuntimeName


def _images(
    predictor: Predictor,
    paths: list[str],
    format: Format,
    output: str | None,
    annotate: Path | None,
    choices: _Choices,
) -> None:
    from agelens.files import write_text
    from agelens.inference.sources import stream

    images = list(stream(paths))
    shown = choices.at_least, choices.min_quality
    answers: list[Answer] = []
    drawn: set[Path] = set()
    with progress("reading faces", len(images)) as advance:
        for answer in _named(predictor, images, choices.level):
            answers.append(answer)
            advance(len(answers))
            if annotate is not None and answer.error is None:
                source = images[len(answers) - 1].path
                _save_annotated(source, answer, annotate, drawn, choices.min_quality)
    if output is not None:
        write_text(Path(output), text_of(answers, format, *shown))
    elif format == "table":
        from rich.console import Console

        Console().print(table_for_people(answers, *shown))
    else:
        sys.stdout.write(text_of(answers, format, *shown))
    faces = [face for answer in answers for face in answer.faces]
    if refused := sum(face.refusal(choices.min_quality) is not None for face in faces):
        tell(f"agelens: {refused} faces are below quality {choices.min_quality:g} and were refused")
    failed = [answer.error for answer in answers if answer.error]
    if failed:
        tell_failures(failed)
        tell(f"agelens: {len(failed)} of {len(answers)} images could not be read")
        raise typer.Exit(1)


def _video(
    predictor: Predictor, paths: list[str], output: str | None, annotate: Path | None, choices: _Choices
) -> None:
    if len(paths) > 1 or (output is not None and not output.endswith(".jsonl")):
        raise AgeLensError("a video or camera is read alone, and its --output is a .jsonl file")
    from agelens.cli.predict_video import predict_video

    predict_video(
        paths[0],
        predictor,
        level=choices.level,
        at_least=choices.at_least,
        min_quality=choices.min_quality,
        output=None if output is None else Path(output),
        annotate_into=annotate,
    )


def _by_suffix(output: str | None) -> Format:
    suffixes: dict[str, Format] = {".json": "json", ".jsonl": "jsonl", ".csv": "csv"}
    if output is None:
        return "table"
    return suffixes.get(Path(output).suffix.lower(), "table")


def _named(predictor: Predictor, images: Sequence[Named], level: float) -> Iterator[Answer]:
    for one, answer in zip(images, predictor.predict_many((i.path for i in images), level), strict=True):
        yield replace(answer, image=one.name)


def _job(predictor: Predictor, paths: list[str], output: Path, choices: _Choices) -> Report:
    from agelens.apps.jobs.job import Asked, run_job
    from agelens.inference.sources import stream

    found_by = predictor.detector.name  # what 'auto' has become here
    asked = Asked(predictor.bundle.fingerprint, **choices._replace(detector=found_by)._asdict())
    total = sum(1 for _ in stream(paths))
    try:
        with progress("reading images", total, rate=True) as advance:
            return run_job(predictor, stream(paths), output, asked, progress=advance)
    except KeyboardInterrupt:
        tell(f"agelens: stopped; the same command goes on from {output}.parts")
        raise typer.Exit(130) from None


def _on_ray(paths: list[str], model: str, output: str, choices: _Choices, address: str | None) -> Report:
    from agelens.apps.jobs.job import Asked
    from agelens.apps.jobs.ray_job import run_ray_job, table_of_bytes
    from agelens.inference.sources import stream
    from agelens.models.catalogue import resolve

    asked = Asked(resolve(model).fingerprint, **choices._asdict())
    images = table_of_bytes(paths)
    if images is None:
        addresses = [path for path in paths if "://" in path]
        here = [str(one.path) for one in stream([path for path in paths if "://" not in path])]
        images = addresses + here
    total = len(images) if isinstance(images, list) else None
    with progress("reading images", total, rate=True) as advance:
        return run_ray_job(model, images, output, asked, address=address, progress=advance)


def _conclude(report: Report, output: str, min_quality: float) -> None:
    more = f", {report.resumed} of them before this start" if report.resumed else ""
    tell(f"agelens: {output}: {report.faces} faces of {report.images} images{more}")
    if report.refused:
        tell(f"agelens: {report.refused} faces are below quality {min_quality:g} and were refused")
    if report.failed:
        tell_failures(report.failures)
        tell(f"agelens: {report.failed} of {report.images} images could not be read; see the column 'error'")
        raise typer.Exit(1)


def _save_annotated(source: Path, answer: Answer, folder: Path, drawn: set[Path], min_quality: float) -> None:
    """Save the picture with its faces under its own name, numbered where two inputs share one."""
    from agelens.files import written_whole
    from agelens.inference.annotate import annotate

    suffix = source.suffix.lower() if source.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") else ".png"
    path = folder / f"{source.stem}{suffix}"
    number = 2
    while path in drawn:
        path = folder / f"{source.stem}-{number}{suffix}"
        number += 1
    drawn.add(path)
    with written_whole(path) as temporary:
        annotate(source, answer.faces, min_quality=min_quality).save(temporary, quality=92)
