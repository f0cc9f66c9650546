"""``agelens push`` and ``agelens pull``: bundles to and from Kaggle and Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

UriArgument = Annotated[
    str,
    typer.Argument(help="kaggle://owner/model/framework/variation[/version] or hf://owner/repo[@revision]."),
]


def push(
    bundle: Annotated[str, typer.Argument(help="'embedded', or a bundle's folder.")],
    uri: UriArgument,
    public: Annotated[
        bool, typer.Option("--public", help="hf: make a new repository public; Kaggle's stay private.")
    ] = False,
    notes: Annotated[str, typer.Option(help="What changed, for the version's history.")] = "",
) -> None:
    """Upload a bundle, checked whole, through the hub's own client."""
    from agelens.models.catalogue import resolve
    from agelens.models.hubs import parse_uri
    from agelens.models.hubs import push as upload

    address = parse_uri(uri)
    typer.echo(upload(resolve(bundle), address, private=not public, notes=notes))


def pull(
    uri: UriArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Copy it here; default: the client's cache.")
    ] = None,
) -> None:
    """Fetch a bundle and check every file's SHA-256; prints the folder it lies in."""
    from agelens.models.hubs import pull as fetch

    typer.echo(str(fetch(uri, output).folder))
