"""Hugging Face repositories through ``huggingface_hub`` (https://huggingface.co/docs/huggingface_hub)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from agelens.errors import BundleError, HubError, require
from agelens.models.bundle import Bundle, read_bundle
from agelens.models.hubs.retry import TRANSIENT, retry_after, with_retries
from agelens.models.hubs.transfer import check_names
from agelens.models.hubs.uri import HuggingFaceUri

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

LOGIN = "log in to Hugging Face: run 'hf auth login', or put a token into HF_TOKEN"


def upload(
    folder: Path,
    uri: HuggingFaceUri,
    *,
    private: bool,
    notes: str = "",
    repo_type: Literal["model", "space"] = "model",
) -> str:
    """Upload a folder as one commit; the repository is made if it is not there.

    Args:
        folder: its files replace those of the repository's branch.
        uri: the repository; its revision, if any, must be a branch.
        private: whether a newly made repository is.
        notes: the commit's message.
        repo_type: a Space is made with the Gradio SDK.

    Raises:
        HubError: no credentials, or the hub refused or could not be reached.
    """
    hub = _client()
    if hub.get_token() is None:
        raise HubError(f"{uri} needs credentials; {LOGIN}")
    api = hub.HfApi()

    def action() -> None:
        sdk = {"space_sdk": "gradio"} if repo_type == "space" else {}
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
    prefix = "spaces/" if repo_type == "space" else ""
    return f"{api.endpoint}/{prefix}{uri.repo}"


def download(uri: HuggingFaceUri) -> Bundle:
    """Fetch a bundle into the hub's cache, or find it there.

    Raises:
        HubError: it cannot be fetched and is not cached.
        BundleError: what was sent is no bundle; it is thrown out of the cache.
    """
    hub = _client()
    api = hub.HfApi()
    try:
        # The commit is fixed before its files are listed: what was checked is what is fetched.
        revision = _call(lambda: api.resolve_revision(uri.repo, revision=uri.revision), uri, "asking for")
        info = _call(lambda: api.model_info(uri.repo, revision=revision.resolved), uri, "listing")
        check_names([file.rfilename for file in info.siblings or ()], uri)
    except HubError as error:
        if (cached := _cached(hub, uri)) is None or _status(error.__cause__) is not None:
            raise
        logger.warning("Hugging Face cannot be reached; using the cached copy of %s", uri)
        return read_bundle(cached)
    # The client itself tries a file again that the hub does not give at once.
    fetch = partial(hub.snapshot_download, uri.repo, revision=revision)
    folder = Path(_call(fetch, uri, "fetching", _cut))
    try:
        return read_bundle(folder)
    except BundleError:
        hub.scan_cache_dir().delete_revisions(revision.resolved).execute()
        raise


def _client() -> Any:
    return require("huggingface_hub", "hubs")


def _cached(hub: Any, uri: HuggingFaceUri) -> Path | None:
    try:
        return Path(hub.snapshot_download(uri.repo, revision=uri.revision, local_files_only=True))
    except (OSError, ValueError):
        return None


def _call(
    action: Callable[[], Result],
    uri: HuggingFaceUri,
    doing: str,
    transient: Callable[[Exception], float | None] | None = None,
) -> Result:
    """Run a client's call; what it raises becomes one sentence."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, RevisionResolutionError

    try:
        return with_retries(action, transient or _transient, f"{doing} {uri}")
    except (HfHubHTTPError, RevisionResolutionError, httpx2.HTTPError, OSError, RuntimeError) as error:
        raise HubError(_explain(error, uri, doing)) from error


def _explain(error: Exception, uri: HuggingFaceUri, doing: str) -> str:
    match _status(error):
        case 401 | 403:
            return f"Hugging Face refuses {doing} {uri}: no such repository, or not yours to use; {LOGIN}"
        case 404:
            return f"Hugging Face has no {uri}; check the owner, the name and the revision"
        case None:
            return f"{doing} {uri} failed: Hugging Face cannot be reached ({type(error).__name__})"
        case status:
            return f"{doing} {uri} failed: Hugging Face answers {status}; try again later"


def _transient(error: Exception) -> float | None:
    if _status(error) in TRANSIENT:
        response = next((r for c in _causes(error) if (r := getattr(c, "response", None)) is not None), None)
        return retry_after(response.headers.get("Retry-After") if response is not None else None)
    return _cut(error)


def _cut(error: Exception) -> float | None:
    """A connection cut in the middle is worth another try; one that cannot be made is not."""
    import httpx2

    kinds = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
    return 0.0 if any(isinstance(cause, kinds) for cause in _causes(error)) else None


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error, however deep the client has wrapped it."""
    for cause in _causes(error):
        if (response := getattr(cause, "response", None)) is not None:
            return int(response.status_code)
    return None


def _causes(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
