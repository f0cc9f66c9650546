"""``agelens demo`` and ``agelens space``: the page on this machine, and the folder for Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from agelens.cli.console import ModelOption, tell


def demo(
    model: ModelOption = "embedded",
    detector: Annotated[Literal["auto", "yunet", "haar"], typer.Option(help="How faces are found.")] = "auto",
    host: Annotated[
        str | None, typer.Option(help="0.0.0.0 opens it to other machines; default: this one only.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Default: the first free one from 7860.")] = None,
) -> None:
    """Serve a page that reads uploaded photos; needs no network."""
    from agelens.errors import require

    require("gradio", "demo")
    from agelens.apps.demo.page import launch

    launch(model, detector, host=host, port=port)


def space(
    folder: Annotated[Path, typer.Argument(help="The Space's folder, new or empty.")],
    model: ModelOption = "embedded",
    title: Annotated[str, typer.Option(help="Of the Space.")] = "AgeLens",
    package: Annotated[
        str, typer.Option(help="What requirements.txt installs; default: this release of AgeLens.")
    ] = "",
    push: Annotated[str | None, typer.Option(help="Upload it to hf://owner/space.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Make a new Space public.")] = False,
) -> None:
    """Write a folder ready for Hugging Face Spaces, and upload it if asked."""
    from agelens.apps.demo.space import build_space, push_space
    from agelens.errors import HubError
    from agelens.models.hubs import HuggingFaceUri, parse_uri

    uri = parse_uri(push) if push else None
    if uri is not None and not isinstance(uri, HuggingFaceUri):
        raise HubError(f"a Space lies on Hugging Face: --push hf://owner/space, not {push}")
    tell(f"{build_space(folder, model, title=title, package=package)}: ready for Hugging Face Spaces")
    if uri is not None:
        typer.echo(push_space(folder, uri, private=not public))
