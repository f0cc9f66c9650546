"""``agelens predict``: sources, a predictor, and the writers of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agelens.cli.console import (
    DetectorOption,
    Format,
    ModelOption,
    RuntimeOption,
    progress,
    tell,
)
from agelens.cli.options import with_options
from agelens.errors import AgeLensError, ImageError
from agelens.inference.options import AnswerOptions

if TYPE_CHECKING:
    from agelens.apps.jobs.job import JobSpec
    from agelens.inference.folders import PassedOver
    from agelens.inference.tally import Tally


@with_options(AnswerOptions)
def predict(
    paths: Annotated[
        list[str],
        typer.Argument(help="Images, folders, manifests, globs, - (stdin); or one video, or 0 (a camera)."),
    ],
    model: ModelOption = "embedded",
    detector: DetectorOption = "auto",
    yunet: Annotated[Path | None, typer.Option(help="YuNet's file, if it is not in the cache.")] = None,
    detection_side: Annotated[
        int | None,
        typer.Option(
            min=32, max=4096, help="Longer side of YuNet's first view, pixels (default: by the picture)."
        ),
    ] = None,
    tiles: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Parts across in which YuNet looks again (default: by need)."),
    ] = None,
    turns: Annotated[
        bool,
        typer.Option("--turns/--no-turns", help="Whether YuNet looks for faces that lie on their side."),
    ] = True,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="Format (default: by --output, else a table).")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Output file (default: stdout); a .parquet job resumes."),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Folder for copies of the images with their faces drawn in.")
    ] = None,
    options: AnswerOptions = AnswerOptions(),
    threads: Annotated[int | None, typer.Option(min=1, help="Threads (default: all cores).")] = None,
    runtime: RuntimeOption = "onnxruntime",
    engine: Annotated[
        Literal["here", "ray"], typer.Option(help="Engine; 'ray' spreads a .parquet job over a Ray cluster.")
    ] = "here",
    address: Annotated[str | None, typer.Option(help="Ray cluster (default: start one here).")] = None,
) -> None:
    """Read the age and gender of every face in images.

    The exit code is 0 if every image was read, 1 if some could not be (each is named), and 2 on wrong use.
    """
    from agelens.apps.jobs.job import JobSpec, run_job
    from agelens.cli.answer_writers import check_file, frame_writers, image_writers
    from agelens.faces.detection.search import SearchOptions
    from agelens.inference.predictor import load
    from agelens.inference.sources import STANDARD_INPUT, standard_input, stream, survey
    from agelens.inference.tables import own_columns
    from agelens.inference.tally import Tally
    from agelens.inference.video import Video, answer_frames, is_video
    from agelens.inference.writers import answered, write_all
    from agelens.models.catalogue import resolve

    search = SearchOptions(detection_side, tiles, turns)
    job, ray = (output or "").lower().endswith(".parquet"), engine == "ray"
    video = any(map(is_video, paths))
    broken = {
        "a .parquet job has no --format and no --annotate": job and (format or annotate),
        "--engine ray writes one Parquet table: name it with --output NAME.parquet": ray and not job,
        "--engine ray has no --yunet (AGELENS_YUNET on each node) and no --threads":
            ray and (yunet or threads),
        "--detection-side, --tiles and --no-turns need --detector yunet or auto":
            search != SearchOptions() and detector not in ("auto", "yunet"),
        "--engine ray cannot read standard input: name files or addresses": ray and STANDARD_INPUT in paths,
        "--address needs --engine ray": address and not ray,
        "--yunet needs --detector yunet or auto": yunet and detector not in ("auto", "yunet"),
        "a video's answers are JSON lines: --output NAME.jsonl, without --format":
            video and format not in (None, "jsonl"),
        "a video or camera is read alone, and its --output is a .jsonl file":
            video and (len(paths) > 1 or not (output or ".jsonl").endswith(".jsonl")),
    }  # fmt: skip
    if sentence := next((sentence for sentence, is_broken in broken.items() if is_broken), None):
        raise AgeLensError(sentence)
    if (file := _file_of(output, ray)) is not None:
        check_file(file, format, job)
    if ray:
        survey([path for path in paths if "://" not in path], file, None)
        spec = JobSpec(resolve(model).fingerprint, detector, runtime, options, search)
        _conclude(*_run_on_ray(model, spec, paths, str(output), address))
        return
    sources = [standard_input() if path == STANDARD_INPUT else path for path in paths]
    # A folder without images, too, is an error before any work.
    total, passed_over = survey(sources, file, annotate)
    own = own_columns(paths)
    predictor = load(model, detector, threads=threads, runtime=runtime, yunet=yunet, search=search)
    streams = file is None and format not in (None, "table")
    if video:
        clip = Video(paths[0])
        bar = progress("reading frames", clip.frames or None, rate=True, streams=streams)
        frames = answer_frames(clip, predictor, options)
        writers = frame_writers(clip, format, file, annotate, options)
        if broken_off := write_all(frames, writers, bar, ends=(KeyboardInterrupt, ImageError)):
            tell(f"agelens: {broken_off or 'stopped; the frames until then are answered'}")
            raise typer.Exit(1 if isinstance(broken_off, ImageError) else 0)
        return
    if job:
        # The detector is what 'auto' has become here.
        spec = JobSpec(predictor.bundle.fingerprint, predictor.detector.name, runtime, options, search)
        try:
            with progress("reading images", total, rate=True) as advance:
                tally = run_job(predictor, stream(sources), Path(str(output)), spec, own, progress=advance)
        except KeyboardInterrupt:
            tell(f"agelens: stopped; the same command goes on from {output}.parts")
            raise typer.Exit(130) from None
    else:
        tally = Tally(options)
        answers = answered(predictor, stream(sources), options)
        bar = progress("reading faces", total, streams=streams)
        write_all(answers, [tally, *image_writers(format, file, annotate, options, own)], bar)
    _conclude(tally, passed_over)


def _file_of(output: str | None, ray: bool) -> Path | None:
    """The file that is written here; None for the terminal, or where fsspec writes it elsewhere."""
    local = output.removeprefix("file://") if ray and output else output
    return None if local is None or (ray and "://" in local) else Path(local)


def _run_on_ray(
    model: str, spec: JobSpec, paths: list[str], output: str, address: str | None
) -> tuple[Tally, PassedOver]:
    from agelens.apps.jobs.ray_job import run_ray_job
    from agelens.apps.jobs.spread import RowGroup, spread
    from agelens.inference.folders import PassedOver

    passed_over = PassedOver()
    pieces, own = spread(paths, passed_over)
    total = sum(one.rows if isinstance(one, RowGroup) else 1 for one in pieces)
    with progress("reading images", total, rate=True) as advance:
        tally = run_ray_job(model, pieces, output, spec, own, address=address, progress=advance)
    return tally, passed_over


def _conclude(tally: Tally, passed_over: PassedOver) -> None:
    """Tell what was done, and exit with 1 if something could not be."""
    for sentence in (*passed_over.sentences(), *tally.sentences()):
        tell(f"agelens: {sentence}")
    if tally.failed:
        raise typer.Exit(1)
