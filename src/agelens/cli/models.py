"""``agelens models``: what models there are, and what a model is."""

from __future__ import annotations

from typing import Annotated

import typer

EMBEDDED = "embedded"  # as in agelens.models.bundle, which is heavy to import

app = typer.Typer(help="The models at hand, their figures and licences.", invoke_without_command=True)


@app.callback()
def models(context: typer.Context) -> None:
    """The models at hand, their figures and licences."""
    if context.invoked_subcommand is None:
        list_models()


@app.command("list")
def list_models() -> None:
    """List the models that ship with the package."""
    from rich.console import Console
    from rich.table import Table

    from agelens.models.catalogue import resolve

    bundle = resolve(EMBEDDED)
    spec = bundle.spec
    figures = spec.metrics.get("test", {}).get("figures", {})
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "input", "size", "test score", "MAE", "gender"):
        table.add_column(column)
    table.add_row(
        EMBEDDED,
        f"{spec.input.size} px",
        f"{bundle.model.stat().st_size / 1e6:.1f} MB",
        *(form.format(figures[key]["value"]) if key in figures else "–" for key, form in _FIGURES),
    )
    console = Console()
    console.print(table)
    console.print(f"licence of the weights: {spec.licence}", soft_wrap=True)


@app.command("show")
def show_model(
    model: Annotated[str, typer.Argument(help="'embedded', or a bundle's folder.")] = EMBEDDED,
) -> None:
    """Show a model's card: figures, training, licence, and what it is not for."""
    from rich.console import Console
    from rich.markdown import Markdown

    from agelens.models.bundle import CARD_FILE
    from agelens.models.catalogue import resolve

    card = (resolve(model).folder / CARD_FILE).read_text(encoding="utf-8")
    text = card.split("---\n", 2)[-1] if card.startswith("---\n") else card  # without the front matter
    Console().print(Markdown(text))


_FIGURES = (("score", "{:.3f}"), ("mae", "{:.2f}"), ("gender_accuracy", "{:.1%}"))
