"""``agelens submit``: a competition's submission, or the notebook that makes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agelens.cli.completion import complete_models
from agelens.cli.console import (
    DetectorOption,
    progress,
    rich_table,
    tell,
    tell_failures,
    tell_unless_chips,
)
from agelens.cli.options import with_options
from agelens.errors import AgeLensError
from agelens.inference.options import AnswerOptions

if TYPE_CHECKING:
    from agelens.apps.competition import SubmissionReport


@with_options(AnswerOptions, "point", "flip")
def submit(
    data: Annotated[Path | None, typer.Option(help="Folder of the competition, with test.csv.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="Model (default: embedded); repeat it to average several.",
            autocompletion=complete_models,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Submission to write (default: submission.csv).")
    ] = None,
    gender_code: Annotated[
        str | None, typer.Option(help="Meaning of the codes, as 0=male,1=female (default: from train.csv).")
    ] = None,
    detector: DetectorOption = "whole",
    options: AnswerOptions = AnswerOptions(),
    round_ages: Annotated[bool, typer.Option("--round", help="Write whole years; this costs score.")] = False,
    notebook: Annotated[
        Path | None, typer.Option(help="Kaggle notebook to write instead, which loads --model kaggle://….")
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option(help="Wheel of AgeLens that the notebook installs from an attached data set."),
    ] = None,
) -> None:
    """Answer every test image of a competition, check the file, and say what score may be expected.

    The exit code is 1 if some images could not be read: they get the training set's typical answer and are
    listed beside the output.
    """
    from agelens.labels import parse_gender_code

    models = model or ["embedded"]
    code = parse_gender_code(gender_code) if gender_code else None
    chosen: dict[str, Any] = {"flip": options.flip, "point": options.point, "round_ages": round_ages}
    if notebook is not None:
        from agelens.apps.competition import write_notebook

        if data is not None or output is not None:
            raise AgeLensError(
                "--notebook has neither --data nor --output: it finds and writes them on Kaggle"
            )
        if len(models) != 1:
            raise AgeLensError("--notebook loads one model: give --model kaggle://… once")
        chosen |= {"gender_code": gender_code, "package": package}
        write_notebook(notebook, models[0], detector=detector, **chosen)
        typer.echo(f"{notebook}: add the competition's data to it on Kaggle and run it")
        attach = (
            f"attach a data set that holds {package.name} and what it needs"
            if package
            else ("until AgeLens is on PyPI, it needs --package WHEEL")
        )
        tell(f"agelens: {attach}; see docs/publish.md")
        return
    if package is not None:
        raise AgeLensError("--package is for --notebook: it names the wheel that the notebook installs")
    if data is None:
        raise AgeLensError("--data names the competition's folder (or --notebook a notebook to write)")
    from agelens.apps.competition import submit as write
    from agelens.apps.competition.folder import read_competition_folder
    from agelens.inference.predictor import load

    output = output or Path("submission.csv")
    images = list(read_competition_folder(data).images.values())
    predictors = [load(name, detector) for name in models]
    tell_unless_chips(images, detector, predictors[0].bundle.spec.crop)
    with progress("answering", len(images) * len(models)) as advance:
        report = write(predictors, data, output, gender_code=code, progress=advance, **chosen)
    _print(report)
    if report.problems:
        tell_failures([f"id {name}: {why}" for name, why in report.problems.items()])
        unread, listed = len(report.problems), output.with_suffix(".problems.csv")
        tell(f"agelens: {unread} images could not be read; they have the typical answer, see {listed}")
        raise typer.Exit(1)


def _print(report: SubmissionReport) -> None:
    import numpy as np
    from rich.console import Console

    from agelens.apps.competition.expected import expected_table

    codes = sorted((text, gender) for gender, text in report.code.items())
    meaning = ", ".join(f"{text}={gender}" for text, gender in codes)
    if found := report.evidence:
        share = f"{found.agreement:.1%} of {found.images} training images"
        typer.echo(f"gender code {meaning}: agrees with {share}")
    years = np.array(report.ages)
    counts, edges = np.histogram(years, bins=range(0, 101, 10))
    typer.echo(f"{report.output}: {report.rows} rows, checked")
    typer.echo(f"ages: mean {years.mean():.1f}, median {np.median(years):.1f}")
    for low, count in zip(edges, counts, strict=False):
        bar = "█" * round(40 * count / max(1, counts.max()))
        typer.echo(f"  {low:>3}–{low + 9 + (low == 90):<3} {count:>6}  {bar}".rstrip())
    shares = ", ".join(f"{code}: {count / report.rows:.1%}" for code, count in sorted(report.genders.items()))
    typer.echo(f"genders: {shares} ({meaning})")
    typer.echo()
    Console().print(rich_table(expected_table(report.expected)))
