"""Find a model by name: one of this project's, a folder, or an address on a hub."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from agelens.errors import BundleError
from agelens.files import resolved, sha256
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

    Those of this project's models lie beside the package in a checkout, so that package and bundles stay
    light; ``SHA256SUMS`` has their hashes.

    Raises:
        BundleError: there is no such model, it is damaged, or its weights are not with it.
        HubError: it lies on a hub and cannot be fetched.
    """
    text = str(name)
    if text in NAMES:
        return _checked_weights(text)
    bundle = resolve(name)
    if WEIGHTS_FILE not in bundle.spec.files:
        raise BundleError(
            f"{name} has no {WEIGHTS_FILE} to train on from: start from its run, or export it with --weights"
        )
    return bundle.folder / WEIGHTS_FILE


def bundle_of_weights(weights: Path) -> Bundle | None:
    """The model that a file of weights belongs to; None where it is no model's."""
    if weights.name == WEIGHTS_FILE and (weights.parent / BUNDLE_FILE).is_file():
        return read_bundle(weights.parent)
    name = weights.stem
    own = _in_checkout(f"weights/{name}.safetensors") if name in NAMES else None
    return resolve(name) if own is not None and resolved(own) == resolved(weights) else None


def _checked_weights(name: str) -> Path:
    """The weights of a model of this project, if they are what their hash says."""
    weights = _in_checkout(f"weights/{name}.safetensors")
    if weights is None:
        raise BundleError(
            f"the weights to train on from of {name!r} are too large for the package: they are "
            f"models/weights/{name}.safetensors of a checkout of the project"
        )
    lines = (weights.parent / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    if f"{sha256(weights)}  {weights.name}" not in lines:
        raise BundleError(f"{weights} is not what SHA256SUMS beside it says; fetch it again")
    return weights


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
    about = _in_checkout(f"{name}/{BUNDLE_FILE}")
    return None if about is None else about.parent


def _in_checkout(place: str) -> Path | None:
    """A file of ``models/`` beside the package; None where the package is not in a checkout."""
    package = Path(str(resources.files("agelens")))
    # In a checkout the package lies in src/; where it was installed out of one, one is mostly worked in.
    checkouts = [package.parents[1]] if package.parent.name == "src" else []
    files = [checkout / "models" / place for checkout in (*checkouts, Path.cwd())]
    return next((file for file in files if file.is_file()), None)
