"""What the commands share: progress on a terminal and none in a pipe, and how failures are told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from agelens.cli.completion import complete_models
from agelens.cli.verbosity import is_quiet
from agelens.errors import AgeLensError

if TYPE_CHECKING:
    from rich.table import Table

    from agelens.faces.crop import CropConvention
    from agelens.figures import Table as PlainTable

#: The names of ``faces.detection`` and ``inference.runtimes``, said again: Typer reads them at import time,
#: when nothing heavy may be loaded; a test holds them equal.
DetectorName = Literal["auto", "yunet", "haar", "whole"]
RuntimeName = Literal["onnxruntime", "openvino", "cuda"]

#: How answers are written where no suffix says it.
Format = Literal["table", "json", "jsonl", "csv"]

#: Failures named one by one before the rest is only counted.
SHOWN = 20

ManifestArgument = Annotated[Path, typer.Argument(help="The manifest, .csv or .parquet.")]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Model: 'embedded', a bundle's folder, hf://… or kaggle://….",
        autocompletion=complete_models,
    ),
]
DetectorOption = Annotated[
    DetectorName,
    typer.Option(help="Face detector; 'auto': YuNet if at hand, else Haar; 'whole': each image is one face."),
]
DetectorsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=f"[{'|'.join(get_args(DetectorName))}]",
        help="Face detector, one for all manifests or one each.",
        show_default="whole",
    ),
]
RuntimeOption = Annotated[
    RuntimeName,
    typer.Option(help="Inference runtime; 'openvino' (an extra) for bfloat16 CPUs, 'cuda' for NVIDIA."),
]


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table in the one style of the command line; columns in ``right`` are right-aligned."""
    from rich.table import Table

    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        result.add_column(name, justify="right" if name in right else "left")
    return result


def rich_table(plain: PlainTable) -> Table:
    """A plain table in that style: words are wrapped where it is too wide, numbers are not."""
    import textwrap

    from rich.text import Text

    result = table(*plain.columns[: plain.text])
    for number, head in enumerate(plain.columns[plain.text :], start=plain.text):
        lines = [line for row in plain.rows for line in row[number].split("\n")]
        widest = max(map(len, lines), default=0)
        broken = textwrap.fill(head, max(widest, 10), break_long_words=False)
        result.add_column(broken, justify="right", no_wrap=True)
    for row in plain.rows:
        result.add_row(*(Text(cell) for cell in row))  # brackets are brackets, not markup
    result.title, result.caption = plain.title or None, plain.note or None
    result.title_justify = result.caption_justify = "left"
    return result


@contextmanager
def progress(
    label: str, total: int | None, *, rate: bool = False, streams: bool = False
) -> Iterator[Callable[[int], None]]:
    """Give a function that takes how many are done, and draws a bar if stderr is a terminal; not if quiet.

    ``rate`` adds how many are done a second. Where the work ``streams`` to stdout, and stdout is a terminal
    too, there is no bar among the lines.
    """
    if is_quiet() or not sys.stderr.isatty() or (streams and sys.stdout.isatty()):
        yield lambda done: None
        return
    from rich import progress as bars
    from rich.console import Console
    from rich.text import Text

    class Rate(bars.ProgressColumn):
        def render(self, task: bars.Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s")

    columns = [bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn()]
    columns += [Rate(), bars.TimeRemainingColumn()] if rate else [bars.TimeRemainingColumn()]
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


def tell(message: str) -> None:
    """Say something to the person, on stderr: stdout is for answers."""
    typer.echo(message, err=True)


def remark(message: str) -> None:
    """Say what is good to know, and no error, unless the person wants it quiet."""
    if not is_quiet():
        tell(f"agelens: {message}")


def one_each(given: Sequence[str] | None, tables: Sequence[Path], option: str, default: str) -> list[str]:
    """The value of each table, of an option that is given once for all of them, or for each.

    Raises:
        AgeLensError: it is given a third number of times.
    """
    values = list(given or [default])
    if len(values) not in (1, len(tables)):
        often = f"{option} is given {len(values)} times for {len(tables)} tables"
        raise AgeLensError(f"{often}: give one for all, or each")
    return values * len(tables) if len(values) == 1 else values


def detectors_of(given: Sequence[str] | None, tables: Sequence[Path]) -> list[DetectorName]:
    """The detector of each table.

    Raises:
        AgeLensError: there is no such detector, or not one for each.
    """
    names: list[DetectorName] = [*get_args(DetectorName)]
    each = one_each(given, tables, "--detector", "whole")
    if wrong := [name for name in each if name not in names]:
        raise AgeLensError(f"no detector {wrong[0]!r}; there are {', '.join(names)}")
    return [names[names.index(name)] for name in each]  # type: ignore[arg-type]


def tell_unless_chips(images: Sequence[Path], detector: DetectorName, convention: CropConvention) -> None:
    """Say it where pictures that are to be read whole are plainly no aligned faces."""
    from agelens.faces.chips import check_chips

    if sentence := check_chips(images, detector, convention):
        remark(sentence)


def tell_failures(failures: Sequence[object]) -> None:
    """Name what failed, on stderr."""
    for failure in failures[:SHOWN]:
        tell(f"agelens: {failure}")
    if len(failures) > SHOWN:
        tell(f"agelens: … and {len(failures) - SHOWN} more")
