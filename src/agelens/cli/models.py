"""``agelens models``: what models there are, and what a model is."""

from __future__ import annotations

from typing import Annotated

import typer

from agelens.cli.console import table

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
    lines = table("name", "input", "size", *(f"test {figure.title(short=True)}" for figure in figures))
    for name, bundle in at_hand.items():
        spec = bundle.spec
        measured = spec.metrics["test"].figures if "test" in spec.metrics else {}
        size = f"{bundle.model.stat().st_size / 1e6:.1f} MB"
        values = (f.written(measured[f.key].value) if f.key in measured else "–" for f in figures)
        lines.add_row(name, f"{spec.input.size} px", size, *values)
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
            help="Model: a name of the list, a bundle's folder, or an address hf://… or kaggle://…."
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
