"""Move bundles to and from hubs through the hubs' own clients, and believe nothing that arrives.

What is fetched lands in the client's own cache. It counts as a bundle once every file's SHA-256 is the one
in ``bundle.json`` and no file is there that it does not name; else it is thrown out of the cache.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from agelens.errors import BundleError, HubError
from agelens.models.bundle import BUNDLE_FILE, MODEL_FILE, Bundle, is_incidental, read_bundle
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
            from agelens.models.hubs import kaggle

            return kaggle.upload(checked, kaggle_uri, notes)
        case HuggingFaceUri() as hf_uri:
            from agelens.models.hubs import huggingface

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
            from agelens.models.hubs import kaggle

            bundle = kaggle.download(kaggle_uri)
        case HuggingFaceUri() as hf_uri:
            from agelens.models.hubs import huggingface

            bundle = huggingface.download(hf_uri)
    return bundle if output is None else _copy(bundle, output)


def check_names(names: Iterable[str], where: object) -> None:
    """Refuse a hub's list of files before one of them is fetched.

    Raises:
        BundleError: a path that is no plain file name, or no bundle among them.
    """
    listed = set(names)
    for name in sorted(listed):
        # Both separators: a name that is plain here may be a path on the reader's system.
        if name in ("", ".", "..") or PurePosixPath(name).name != name or "\\" in name:
            raise BundleError(f"{where} is refused: {name!r} is not a plain file name")
    if missing := {BUNDLE_FILE, MODEL_FILE} - listed:
        raise BundleError(f"{where} is no bundle: it has no {', '.join(sorted(missing))}")


def _copy(bundle: Bundle, output: Path) -> Bundle:
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for path in bundle.folder.iterdir():
            if path.is_file() and not is_incidental(path.name):
                shutil.copyfile(path, partial / path.name)
        read_bundle(partial)
        if output.exists():
            output.rmdir()
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Bundle(output, bundle.spec)
