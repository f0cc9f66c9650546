"""Hugging Face repositories through ``huggingface_hub`` (https://huggingface.co/docs/huggingface_hub)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from agelens.errors import BundleError, HubError, require
from agelens.models.bundle import Bundle, check_file_names, read_bundle
from agelens.models.hubs.retry import Result, causes, pause_asked, refusal, response_behind, with_retries
from agelens.models.hubs.uri import HuggingFaceUri

logger = logging.getLogger(__name__)

LOGIN = "log in to Hugging Face: run 'hf auth login', or put a token into HF_TOKEN"


def upload(
    folder: Path,
    uri: HuggingFaceUri,
    *,
    private: bool,
    notes: str = "",
    repo_type: Literal["model", "space"] = "model",
) -> str:
    """Upload a folder as one commit, in place of all files of the branch.

    The repository is made if it is not there, a Space with the Gradio SDK; a revision must be a branch.

    Raises:
        HubError: no credentials, or the hub refused or could not be reached.
    """
    hub = require("huggingface_hub", "hubs")
    if hub.get_token() is None:
        raise HubError(f"{uri} needs credentials; {LOGIN}")
    api = hub.HfApi()
    sdk = {"space_sdk": "gradio"} if repo_type == "space" else {}

    def action() -> None:
        api.create_repo(uri.repo, repo_type=repo_type, private=private, exist_ok=True, **sdk)
        api.upload_folder(
            repo_id=uri.repo,
            folder_path=folder,
            repo_type=repo_type,
            revision=uri.revision,
            commit_message=notes or f"Upload {folder.name} with AgeLens",
            ignore_patterns=[".*", "__pycache__/*"],
            delete_patterns="*",
        )

    _call(action, uri, "uploading")
    return f"{api.endpoint}/{'spaces/' if repo_type == 'space' else ''}{uri.repo}"


def download(uri: HuggingFaceUri) -> Bundle:
    """Fetch a bundle into the hub's cache, or find it there.

    Raises:
        HubError: it cannot be fetched and is not cached.
        BundleError: what was sent is no bundle; it is thrown out of the cache.
    """
    hub = require("huggingface_hub", "hubs")
    api = hub.HfApi()
    try:
        # The commit is fixed before its files are listed: what was checked is what is fetched.
        revision = _call(lambda: api.resolve_revision(uri.repo, revision=uri.revision), uri, "asking for")
        info = _call(lambda: api.model_info(uri.repo, revision=revision.resolved), uri, "listing")
        check_file_names([file.rfilename for file in info.siblings or ()], uri)
    except HubError as error:
        if response_behind(error) is not None or (cached := _cached(hub, uri)) is None:
            raise
        logger.warning("Hugging Face cannot be reached; using the cached copy of %s", uri)
        return read_bundle(cached)
    # The client itself tries a file again that the hub does not give at once.
    folder = _call(lambda: hub.snapshot_download(uri.repo, revision=revision), uri, "fetching", _cut)
    try:
        return read_bundle(Path(folder))
    except BundleError:
        hub.scan_cache_dir().delete_revisions(revision.resolved).execute()
        raise


def _cached(hub: Any, uri: HuggingFaceUri) -> Path | None:
    try:
        return Path(hub.snapshot_download(uri.repo, revision=uri.revision, local_files_only=True))
    except (OSError, ValueError):
        return None


def _cut(error: Exception) -> float | None:
    """A connection cut in the middle is worth another try; one that cannot be made is not."""
    import httpx2

    kinds = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
    return 0.0 if any(isinstance(cause, kinds) for cause in causes(error)) else None


def _transient(error: Exception) -> float | None:
    return _cut(error) if (asked := pause_asked(error)) is None else asked


def _call(
    action: Callable[[], Result],
    uri: HuggingFaceUri,
    doing: str,
    transient: Callable[[Exception], float | None] = _transient,
) -> Result:
    """Run a client's call; what it raises becomes one sentence."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, RevisionResolutionError

    try:
        return with_retries(action, transient, f"{doing} {uri}")
    except (HfHubHTTPError, RevisionResolutionError, httpx2.HTTPError, OSError, RuntimeError) as error:
        raise refusal("Hugging Face", doing, uri, error, login=LOGIN) from error
