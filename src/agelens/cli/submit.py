"""``agelens submit``: a competition's submission, or the notebook that makes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agelens.cli.console import progress, tell, tell_failures
from agelens.errors import AgeLensError

if TYPE_CHECKING:
    from agelens.apps.competition.submission import SubmissionReport


def submit(
    data: Annotated[
        Path | None, typer.Option(help="The competition's face_dataset/ folder, which holds test.csv.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="A model; repeat it to average several.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV.")] = Path("submission.csv"),
    gender_code: Annotated[
        str | None, typer.Option(help="What the codes mean, as 0=male,1=female; default: found in train.csv.")
    ] = None,
    detector: Annotated[
        Literal["auto", "yunet", "haar", "whole"],
        typer.Option(help="'whole' for images that are aligned faces; else how faces are found."),
    ] = "whole",
    tta: Annotated[
        Literal["none", "flip"], typer.Option(help="flip: average each face with its mirror image.")
    ] = "none",
    point: Annotated[
        Literal["mean", "median"],
        typer.Option(help="Of each distribution; the competition's RMSE wants the mean."),
    ] = "mean",
    round_ages: Annotated[bool, typer.Option("--round", help="Write whole years; it costs score.")] = False,
    notebook: Annotated[
        Path | None,
        typer.Option(help="Write a Kaggle notebook that submits with --model kaggle://…, and stop."),
    ] = None,
) -> None:
    """Answer every test image of a competition and check the file.

    Exit code 1 if some images could not be read: they get the training set's typical answer and are listed
    beside the output.
    """
    models = model or ["embedded"]
    if notebook is not None:
        from agelens.apps.competition.notebook import write_notebook

        if len(models) != 1:
            raise AgeLensError("--notebook loads one model: give --model kaggle://… once")
        write_notebook(notebook, models[0], detector=detector, flip=tta == "flip", round_ages=round_ages)
        typer.echo(f"{notebook}: add the competition's data to it on Kaggle and run it")
        return
    if data is None:
        raise AgeLensError("--data names the competition's folder (or --notebook a notebook to write)")
    from agelens.apps.competition.folder import read_competition_folder
    from agelens.apps.competition.submission import submit as write
    from agelens.inference.predictor import load
    from agelens.labels import parse_gender_code

    code = parse_gender_code(gender_code) if gender_code else None
    predictors = [load(name, detector) for name in models]
    total = len(read_competition_folder(data).images) * len(models)
    with progress("answering", total) as advance:
        report = write(
            predictors,
            data,
            output,
            gender_code=code,
            flip=tta == "flip",
            round_ages=round_ages,
            point=point,
            progress=advance,
        )
    _print(report)
    if report.problems:
        tell_failures([f"id {name}: {why}" for name, why in report.problems.items()])
        tell(
            f"agelens: {len(report.problems)} images could not be read; they have the typical answer, see "
            f"{output.with_suffix('.problems.csv')}"
        )
        raise typer.Exit(1)


def _print(report: SubmissionReport) -> None:
    import numpy as np

    meaning = ", ".join(
        f"{text}={gender}" for gender, text in sorted(report.code.items(), key=lambda p: p[1])
    )
    if report.evidence is not None:
        found = report.evidence
        typer.echo(
            f"gender code {meaning}: agrees with {found.agreement:.1%} of {found.images} training images"
        )
    years = np.array(report.ages)
    counts, edges = np.histogram(years, bins=range(0, 101, 10))
    typer.echo(f"{report.output}: {report.rows} rows, checked")
    typer.echo(f"ages: mean {years.mean():.1f}, median {np.median(years):.1f}")
    for low, count in zip(edges, counts, strict=False):
        bar = "█" * round(40 * count / max(1, counts.max()))
        typer.echo(f"  {low:>3}–{low + 9 + (low == 90):<3} {count:>6}  {bar}".rstrip())
    shares = ", ".join(f"{code}: {count / report.rows:.1%}" for code, count in sorted(report.genders.items()))
    typer.echo(f"genders: {shares} ({meaning})")
