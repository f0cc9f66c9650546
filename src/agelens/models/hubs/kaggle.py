"""Kaggle models through ``kagglehub`` (https://github.com/Kaggle/kagglehub)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from agelens.errors import BundleError, HubError, require
from agelens.models.bundle import Bundle, is_incidental, read_bundle
from agelens.models.hubs.retry import TRANSIENT, retry_after, with_retries
from agelens.models.hubs.transfer import check_names
from agelens.models.hubs.uri import KaggleUri

logger = logging.getLogger(__name__)

LOGIN = (
    "log in to Kaggle: make a token at https://www.kaggle.com/settings/api and put it into "
    "KAGGLE_API_TOKEN or ~/.kaggle/access_token"
)


def upload(bundle: Bundle, uri: KaggleUri, notes: str) -> str:
    """Upload a bundle as a new version of a variation; the model is made (private) if need be.

    Raises:
        HubError: a version is named, no credentials, or Kaggle refused or could not be reached.
    """
    kagglehub = _client()
    if uri.version is not None:
        raise HubError(f"{uri}: Kaggle numbers the versions itself; leave the version out")
    from kagglehub.config import get_kaggle_credentials

    if get_kaggle_credentials() is None:
        raise HubError(f"{uri} needs credentials; {LOGIN}")
    ignored = [path.name for path in bundle.folder.iterdir() if path.is_dir() or is_incidental(path.name)]

    def action() -> None:
        kagglehub.model_upload(
            uri.handle, str(bundle.folder), version_notes=notes, ignore_patterns=ignored or None
        )

    _call(action, uri, "uploading")
    return f"https://www.kaggle.com/models/{uri.handle}"


def download(uri: KaggleUri) -> Bundle:
    """Fetch a bundle into kagglehub's cache, or find it there.

    Raises:
        HubError: it cannot be fetched and is not cached.
        BundleError: what Kaggle sent is no bundle; it is thrown out of the cache.
    """
    kagglehub = _client()
    from kagglehub.cache import Cache
    from kagglehub.handle import parse_model_handle

    cache = Cache()
    if uri.version is None:
        try:
            uri = _with_current_version(uri)
        except HubError as error:
            # A refusal is an answer; only silence makes the cached copy the best there is.
            if (cached := _newest_cached(cache, uri)) is None or _status(error.__cause__) is not None:
                raise
            logger.warning("Kaggle cannot be reached; using the cached version %d of %s", cached.version, uri)
            uri = cached
    handle = parse_model_handle(uri.handle)
    if not cache.load_from_cache(handle):
        check_names(_call(lambda: _file_names(handle), uri, "listing"), uri)
    folder = _call(lambda: Path(kagglehub.model_download(uri.handle)), uri, "fetching")
    try:
        return read_bundle(folder)
    except BundleError:
        cache.delete_from_cache(handle)
        raise


def _client() -> Any:
    return require("kagglehub", "hubs")


def _with_current_version(uri: KaggleUri) -> KaggleUri:
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest

    def ask() -> int:
        request = ApiGetModelInstanceRequest()
        request.owner_slug, request.model_slug, request.instance_slug = uri.owner, uri.model, uri.variation
        request.framework = _framework(uri)
        with build_kaggle_client() as client:
            return int(client.models.model_api_client.get_model_instance(request).version_number)

    version = _call(ask, uri, "asking for")
    return KaggleUri(uri.owner, uri.model, uri.framework, uri.variation, version)


def _file_names(handle: Any) -> list[str]:
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.models.types.model_api_service import ApiListModelInstanceVersionFilesRequest

    request = ApiListModelInstanceVersionFilesRequest()
    request.owner_slug, request.model_slug = handle.owner, handle.model
    request.framework, request.instance_slug = handle.framework_enum(), handle.variation
    request.version_number = handle.version
    with build_kaggle_client() as client:
        answer = client.models.model_api_client.list_model_instance_version_files(request)
    if answer.next_page_token:  # kagglehub would then unpack an archive that nobody has looked into
        raise BundleError(f"kaggle://{handle} is no bundle: it holds more files than one list of them")
    return [str(file.name) for file in answer.files]


def _framework(uri: KaggleUri) -> Any:
    from kagglehub.handle import parse_model_handle

    try:
        return parse_model_handle(uri.handle).framework_enum()
    except ValueError as error:
        raise HubError(f"{uri}: {error}") from error


def _newest_cached(cache: Any, uri: KaggleUri) -> KaggleUri | None:
    from kagglehub.handle import parse_model_handle

    folder = Path(cache.get_path(parse_model_handle(uri.handle))).parent  # of all versions
    numbers = sorted((int(path.name) for path in folder.glob("*") if path.name.isdecimal()), reverse=True)
    candidates = (KaggleUri(uri.owner, uri.model, uri.framework, uri.variation, n) for n in numbers)
    return next((c for c in candidates if cache.load_from_cache(parse_model_handle(c.handle))), None)


def _call(action: Any, uri: KaggleUri, doing: str) -> Any:
    """Run a client's call; what it raises becomes one sentence."""
    from kagglehub.exceptions import BackendError, DataCorruptionError, UnauthenticatedError

    _framework(uri)
    try:
        return with_retries(action, _transient, f"{doing} {uri}")
    except UnauthenticatedError as error:
        raise HubError(f"{uri} needs credentials; {LOGIN}") from error
    except (BackendError, DataCorruptionError) as error:
        raise HubError(f"{doing} {uri} failed: {error}") from error
    except OSError as error:  # requests' errors are OSErrors
        raise HubError(_explain(error, uri, doing)) from error


def _explain(error: OSError, uri: KaggleUri, doing: str) -> str:
    match _status(error):
        case 401 | 403:
            return f"Kaggle refuses {doing} {uri}: no such model, or not yours to use; {LOGIN}"
        case 404:
            return f"Kaggle has no {uri}; check the owner, model, framework, variation and version"
        case None:
            return f"{doing} {uri} failed: Kaggle cannot be reached ({type(error).__name__})"
        case status:
            return f"{doing} {uri} failed: Kaggle answers {status}; try again later"


def _transient(error: Exception) -> float | None:
    import requests

    status = _status(error)
    if status in TRANSIENT:
        response = getattr(error, "response", None)
        return retry_after(response.headers.get("Retry-After") if response is not None else None)
    # A connection cut in the middle; one that cannot be made at all is not tried again.
    cut = isinstance(error, requests.exceptions.ChunkedEncodingError) or (
        isinstance(error, requests.exceptions.ConnectionError) and "Connection aborted" in str(error)
    )
    return 0.0 if cut else None


def _status(error: BaseException | None) -> int | None:
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)
