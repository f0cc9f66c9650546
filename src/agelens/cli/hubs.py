"""``agelens push`` and ``agelens pull``: bundles to and from Kaggle and Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agelens.errors import AgeLensError

UriArgument = Annotated[
    str,
    typer.Argument(
        help="Address: kaggle://owner/model/framework/variation[/version] or hf://owner/repo[@revision]."
    ),
]


def push(
    bundle: Annotated[str, typer.Argument(help="Bundle: 'embedded', or a folder.")],
    uri: UriArgument,
    public: Annotated[
        bool, typer.Option("--public", help="Make a new repository on Hugging Face public.")
    ] = False,
    notes: Annotated[str, typer.Option(help="Notes on what changed, for the version's history.")] = "",
) -> None:
    """Check a bundle and upload it through the hub's own client."""
    from agelens.models.catalogue import resolve
    from agelens.models.hubs import KaggleUri, parse_uri
    from agelens.models.hubs import push as upload

    address = parse_uri(uri)
    if public and isinstance(address, KaggleUri):
        raise AgeLensError("--public is for Hugging Face: a new model on Kaggle is private until you open it")
    typer.echo(upload(resolve(bundle), address, private=not public, notes=notes))


def pull(
    uri: UriArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to copy it to (default: the hub's cache)."),
    ] = None,
) -> None:
    """Fetch a bundle, check every file's SHA-256, and print the folder it lies in."""
    from agelens.models.hubs import pull as fetch

    typer.echo(str(fetch(uri, output).folder))
