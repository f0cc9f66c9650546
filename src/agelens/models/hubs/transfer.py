"""Move bundles to and from hubs through the hubs' own clients, and believe nothing that arrives.

What is fetched lands in the client's own cache. It counts as a bundle once every file's SHA-256 is the one
in ``bundle.json`` and no file is there that it does not name; else it is thrown out of the cache.
"""

from __future__ import annotations

import logging
from pathlib import Path

from agelens.errors import HubError
from agelens.files import folder_written_whole
from agelens.models.bundle import Bundle, copy_bundle, read_bundle
from agelens.models.hubs import huggingface, kaggle
from agelens.models.hubs.uri import HubUri, KaggleUri, parse_uri

logger = logging.getLogger(__name__)


def push(bundle: Bundle, uri: str | HubUri, *, private: bool = True, notes: str = "") -> str:
    """Upload a bundle that has been checked whole, and answer its address for people.

    A repository that is not there is made, ``private`` or not; Kaggle's new models always are. ``notes`` say
    what changed, for the version's history.

    Raises:
        HubError: no credentials, or the hub refused or could not be reached.
        BundleError: the folder is not what its ``bundle.json`` says.
    """
    checked = read_bundle(bundle.folder)
    address = parse_uri(uri) if isinstance(uri, str) else uri
    if isinstance(address, KaggleUri):
        return kaggle.upload(checked, address, notes)
    return huggingface.upload(checked.folder, address, private=private, notes=notes)


def pull(uri: str | HubUri, output: Path | None = None) -> Bundle:
    """Fetch a bundle, or take it from the client's cache where the hub cannot be reached.

    ``output`` is a folder to copy it to, whole or not at all; without, it stays in the client's cache.

    Raises:
        HubError: it cannot be fetched, and no copy is cached.
        BundleError: what was sent is no bundle, or not the one ``bundle.json`` describes.
    """
    if output is not None and output.exists() and any(output.iterdir()):
        raise HubError(f"{output} is not empty; name another folder")
    address = parse_uri(uri) if isinstance(uri, str) else uri
    logger.info("asking for %s", address)
    fetched = kaggle.download(address) if isinstance(address, KaggleUri) else huggingface.download(address)
    if output is None:
        return fetched
    with folder_written_whole(output) as folder:
        copy_bundle(fetched, folder)
        read_bundle(folder)
    return Bundle(output, fetched.spec)
