"""Find a model by name: one of this project's, a folder, or an address on a hub."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from agelens.errors import BundleError
from agelens.models.bundle import BUNDLE_FILE, WEIGHTS_FILE, Bundle, read_bundle

#: The model that ships inside the package.
EMBEDDED = "embedded"

#: The models of this project; those but the first are too large for the package and lie beside it.
NAMES = (EMBEDDED, "efficientnet-b4")


def resolve(name: str | Path) -> Bundle:
    """The bundle of a name: one of ``NAMES``, a bundle's folder, ``kaggle://…`` or ``hf://…``.

    A model on a hub is fetched on first use into the hub client's cache.

    Raises:
        BundleError: there is no such model, or it is damaged.
        HubError: it lies on a hub and cannot be fetched.
        MissingExtraError: the hub's client is not installed.
    """
    text = str(name)
    if (own := folder_of(text)) is not None:
        return read_bundle(own)
    if "://" in text:
        from agelens.models.hubs import pull

        return pull(text)
    folder = Path(os.path.expanduser(name))  # a "~" stays where there is no home
    if os.path.isdir(folder):
        return read_bundle(folder)
    if text in NAMES:
        raise BundleError(
            f"the model {text!r} is too large for the package: it lies in models/{text} of a checkout of the "
            "project; name that folder, or the address of a copy that is published (hf://owner/repo, "
            "kaggle://owner/model/onnx/name)"
        )
    raise BundleError(
        f"no model {text!r}: it is neither '{EMBEDDED}', nor a bundle's folder, "
        "nor an address such as hf://owner/repo"
    )


def weights_of(name: str | Path) -> Path:
    """The file of the weights to train on from, of a model by its name, folder or address.

    Those of the model inside the package lie beside it in a checkout, so that the package stays light.

    Raises:
        BundleError: there is no such model, it is damaged, or its weights are not with it.
        HubError: it lies on a hub and cannot be fetched.
    """
    text, bundle = str(name), resolve(name)
    if WEIGHTS_FILE not in bundle.spec.files and text in NAMES and (beside := _in_checkout(text)):
        bundle = read_bundle(beside)
    if WEIGHTS_FILE in bundle.spec.files:
        return bundle.folder / WEIGHTS_FILE
    if text in NAMES:
        raise BundleError(
            f"the weights to train on from of {text!r} are too large for the package: they lie in "
            f"models/{text} of a checkout of the project; name that folder"
        )
    raise BundleError(
        f"{name} has no {WEIGHTS_FILE} to train on from: start from its run, or export that with --weights"
    )


def models_at_hand() -> list[str]:
    """The names of this project's models that lie here: in the package, or beside it in a checkout."""
    return [name for name in NAMES if folder_of(name) is not None]


def folder_of(name: str) -> Path | None:
    """Where a model of this project lies; None where it does not lie here, or is not the project's."""
    package = Path(str(resources.files("agelens")))
    if name == EMBEDDED:
        return package / "assets" / EMBEDDED
    if name not in NAMES:
        return None
    return _in_checkout(name)


def _in_checkout(name: str) -> Path | None:
    """Where a model lies beside the package; None where that is not in a checkout."""
    package = Path(str(resources.files("agelens")))
    # In a checkout the package lies in src/; where it was installed out of one, one is mostly worked in.
    checkouts = [package.parents[1]] if package.parent.name == "src" else []
    beside = [checkout / "models" / name for checkout in (*checkouts, Path.cwd())]
    return next((folder for folder in beside if (folder / BUNDLE_FILE).is_file()), None)
