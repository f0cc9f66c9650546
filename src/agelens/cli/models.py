"""``agelens models``: what models there are, and what a model is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agelens.cli.completion import complete_models
from agelens.cli.console import table

if TYPE_CHECKING:
    from agelens.models.measurement import Headline

app = typer.Typer(invoke_without_command=True)


@app.callback()
def models(context: typer.Context) -> None:
    """List the models at hand with their figures and licences."""
    if context.invoked_subcommand is None:
        list_models()


@app.command("list")
def list_models() -> None:
    """List the models at hand: the package's, and in a checkout of the project those beside it."""
    from rich.console import Console

    from agelens.figures import FIGURES
    from agelens.models.catalogue import NAMES, models_at_hand, resolve

    at_hand = {name: resolve(name) for name in models_at_hand()}
    figures = [FIGURES[key] for key in ("score", "mae", "gender_accuracy")]
    lines = table("name", "input, size", "measured on", *(figure.title(short=True) for figure in figures))
    lines.columns[0].no_wrap = True
    for name, bundle in at_hand.items():
        spec = bundle.spec
        about = (name, f"{spec.input.size} px, {bundle.model.stat().st_size / 1e6:.1f} MB")
        for split, measured in spec.metrics.items():
            values = (one.written(_value(measured, one.key)) for one in figures)
            lines.add_row(*about, split, *values)
            about = ("", "")
        if not spec.metrics:
            lines.add_row(*about, "not measured")
    console = Console()
    console.print(lines)
    for name, bundle in at_hand.items():
        console.print(f"\nlicences of {name}, each apart:", soft_wrap=True)
        for what, licence in bundle.spec.licences.items():
            console.print(f"  {what}: {licence}", soft_wrap=True, markup=False)
    for name in NAMES:
        if name not in at_hand:
            console.print(
                f"\nnot here: {name}, in models/{name} of a checkout of the project", soft_wrap=True
            )


@app.command("show")
def show_model(
    model: Annotated[
        str,
        typer.Argument(
            help="Model: a name of the list, a bundle's folder, or an address hf://… or kaggle://….",
            autocompletion=complete_models,
        ),
    ] = "embedded",
) -> None:
    """Show a model's card: figures, training, licence, and what it is not for."""
    from rich.console import Console
    from rich.markdown import Markdown

    from agelens.models.bundle import CARD_FILE
    from agelens.models.catalogue import resolve

    card = (resolve(model).folder / CARD_FILE).read_text(encoding="utf-8")
    text = card.split("---\n", 2)[-1] if card.startswith("---\n") else card  # without the front matter
    Console().print(Markdown(text))


@app.command("statement")
def statement(
    model: Annotated[
        str,
        typer.Argument(
            help="Model: 'embedded', a bundle's folder, or an address hf://… or kaggle://….",
            autocompletion=complete_models,
        ),
    ] = "embedded",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the statement (default: stdout).")
    ] = None,
) -> None:
    """Write the practice statement of an age check with a model: the parts that ISO/IEC 27566-1 names.

    The bundle's own measurements fill it in; what only the operator knows is marked.
    """
    from agelens.files import check_output, write_text
    from agelens.models.catalogue import resolve
    from agelens.models.statement import practice_statement

    if output is not None:
        check_output(output, ".md", ".txt")
    text = practice_statement(resolve(model))
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)


def _value(measured: Headline, key: str) -> float | None:
    return measured.figures[key].value if key in measured.figures else None
