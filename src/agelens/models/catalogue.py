"""Find a model by name: the one inside the package, a folder, or an address on a hub."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from agelens.errors import BundleError
from agelens.models.bundle import Bundle, read_bundle

#: The model that ships inside the package.
EMBEDDED = "embedded"


def resolve(name: str | Path) -> Bundle:
    """The bundle of a name: ``embedded``, a bundle's folder, ``kaggle://…`` or ``hf://…``.

    A model on a hub is fetched on first use into the hub client's cache.

    Raises:
        BundleError: there is no such model, or it is damaged.
        HubError: it lies on a hub and cannot be fetched.
        MissingExtraError: the hub's client is not installed.
    """
    text = str(name)
    if text == EMBEDDED:
        return read_bundle(Path(str(resources.files("agelens") / "assets" / EMBEDDED)))
    if "://" in text:
        from agelens.models.hubs import pull

        return pull(text)
    folder = Path(os.path.expanduser(name))  # a "~" stays where there is no home
    if not os.path.isdir(folder):
        raise BundleError(
            f"no model {text!r}: it is neither '{EMBEDDED}', nor a bundle's folder, "
            "nor an address such as hf://owner/repo"
        )
    return read_bundle(folder)
