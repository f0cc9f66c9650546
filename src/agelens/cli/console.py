"""What the commands share: progress on a terminal and none in a pipe, and how failures are told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

#: The names of ``faces.detection`` and ``inference.runtimes``, said again: Typer reads them at import time,
#: when nothing heavy may be loaded; a test holds them equal.
DetectorName = Literal["auto", "yunet", "haar", "whole"]
RuntimeName = Literal["onnxruntime", "openvino"]

#: Failures named one by one before the rest is only counted.
SHOWN = 20

ManifestArgument = Annotated[Path, typer.Argument(help="The manifest, .csv or .parquet.")]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="Model: 'embedded', a bundle's folder, or an address hf://… or kaggle://…."
    ),
]
DetectorOption = Annotated[
    DetectorName,
    typer.Option(
        help="Face detector; 'auto' is YuNet where its file can be had, else Haar; 'whole' takes each image "
        "as one aligned face."
    ),
]
RuntimeOption = Annotated[
    RuntimeName,
    typer.Option(help="Inference runtime; 'openvino' is an extra, faster where the CPU multiplies bfloat16."),
]


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table in the one style of the command line; columns in ``right`` are right-aligned."""
    from rich.table import Table

    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        result.add_column(name, justify="right" if name in right else "left")
    return result


@contextmanager
def progress(
    label: str, total: int | None, *, rate: bool = False, streams: bool = False
) -> Iterator[Callable[[int], None]]:
    """Give a function that takes how many are done, and draws a bar if stderr is a terminal.

    ``rate`` adds how many are done a second. Where the work ``streams`` to stdout, and stdout is a terminal
    too, there is no bar among the lines.
    """
    if not sys.stderr.isatty() or (streams and sys.stdout.isatty()):
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s")

    columns: list[ProgressColumn] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    columns += [Rate(), TimeRemainingColumn()] if rate else [TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


def tell(message: str) -> None:
    """Say something to the person, on stderr: stdout is for answers."""
    typer.echo(message, err=True)


def tell_failures(failures: Sequence[object]) -> None:
    """Name what failed, on stderr."""
    for failure in failures[:SHOWN]:
        tell(f"agelens: {failure}")
    if len(failures) > SHOWN:
        tell(f"agelens: … and {len(failures) - SHOWN} more")
