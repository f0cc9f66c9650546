"""Move bundles to and from hubs through the hubs' own clients, and believe nothing that arrives.

What is fetched lands in the client's own cache. It counts as a bundle once every file's SHA-256 is the one
in ``bundle.json`` and no file is there that it does not name; else it is thrown out of the cache.
"""

from __future__ import annotations

from pathlib import Path

from agelens.errors import HubError
from agelens.files import folder_written_whole
from agelens.models.bundle import Bundle, copy_bundle, read_bundle
from agelens.models.hubs import huggingface, kaggle
from agelens.models.hubs.uri import HubUri, HuggingFaceUri, KaggleUri, parse_uri


def push(bundle: Bundle, uri: str | HubUri, *, private: bool = True, notes: str = "") -> str:
    """Upload a bundle that has been checked whole.

    Args:
        bundle: the model.
        uri: where to; the repository or model is made if it is not there.
        private: whether a newly made repository is. Kaggle's new models always are.
        notes: what changed, for the version's history.

    Returns:
        The address of what was uploaded, for people.

    Raises:
        HubError: no credentials, or the hub refused or could not be reached.
        BundleError: the folder is not what its ``bundle.json`` says.
    """
    checked = read_bundle(bundle.folder)
    match parse_uri(uri) if isinstance(uri, str) else uri:
        case KaggleUri() as kaggle_uri:
            return kaggle.upload(checked, kaggle_uri, notes)
        case HuggingFaceUri() as hf_uri:
            return huggingface.upload(checked.folder, hf_uri, private=private, notes=notes)


def pull(uri: str | HubUri, output: Path | None = None) -> Bundle:
    """Fetch a bundle, or take it from the client's cache where the hub cannot be reached.

    Args:
        uri: where from.
        output: a folder to copy it to, whole or not at all; None leaves it in the client's cache.

    Raises:
        HubError: it cannot be fetched, and no copy is cached.
        BundleError: what was sent is no bundle, or not the one ``bundle.json`` describes.
    """
    if output is not None and output.exists() and any(output.iterdir()):
        raise HubError(f"{output} is not empty; name another folder")
    match parse_uri(uri) if isinstance(uri, str) else uri:
        case KaggleUri() as kaggle_uri:
            bundle = kaggle.download(kaggle_uri)
        case HuggingFaceUri() as hf_uri:
            bundle = huggingface.download(hf_uri)
    return bundle if output is None else _copy(bundle, output)


def _copy(bundle: Bundle, output: Path) -> Bundle:
    with folder_written_whole(output) as folder:
        copy_bundle(bundle, folder)
        read_bundle(folder)
    return Bundle(output, bundle.spec)
