"""``agelens demo`` and ``agelens space``: the page on this machine, and the folder for Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.cli.console import DetectorOption, ModelOption, tell
from agelens.errors import AgeLensError, require


def demo(
    model: ModelOption = "embedded",
    detector: DetectorOption = "auto",
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 opens it to all.")] = None,
    port: Annotated[int | None, typer.Option(help="Port (default: first free one from 7860).")] = None,
) -> None:
    """Serve a page that answers uploaded photos; it needs no network."""
    require("gradio", "demo")
    from agelens.apps.demo import launch

    launch(model, detector, host=host, port=port)


def space(
    folder: Annotated[Path, typer.Argument(help="Folder of the Space, new or empty.")],
    model: ModelOption = "embedded",
    title: Annotated[str, typer.Option(help="Title of the Space.")] = "AgeLens",
    package: Annotated[
        str,
        typer.Option(
            help="Wheel to put inside, or what else pip is to install, as 'agelens[demo]'.",
            show_default="a wheel of this AgeLens",
        ),
    ] = "",
    push: Annotated[str | None, typer.Option(help="Address to upload it to, hf://owner/space.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Make a new Space public; needs --push.")] = False,
) -> None:
    """Write a folder ready for Hugging Face Spaces, and upload it if asked."""
    from agelens.apps.demo import build_space
    from agelens.models.hubs import HuggingFaceUri, parse_uri
    from agelens.models.hubs.huggingface import upload

    if public and push is None:
        raise AgeLensError("--public needs --push hf://owner/space")
    uri = parse_uri(push) if push else None
    if uri is not None and not isinstance(uri, HuggingFaceUri):
        raise AgeLensError(f"a Space lies on Hugging Face: --push hf://owner/space, not {push}")
    build_space(folder, model, title=title, package=package)
    inside = "".join(
        f"; {wheel.name} is inside, as AgeLens is not on PyPI yet" for wheel in folder.glob("agelens-*.whl")
    )
    tell(f"{folder}: ready for Hugging Face Spaces{inside}")
    if uri is not None:
        typer.echo(upload(folder, uri, private=not public, repo_type="space"))
