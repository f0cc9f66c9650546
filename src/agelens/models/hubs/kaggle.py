"""Kaggle models through ``kagglehub`` (https://github.com/Kaggle/kagglehub)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agelens.errors import BundleError, HubError, require
from agelens.models.bundle import Bundle, check_file_names, is_incidental, read_bundle
from agelens.models.hubs.retry import Result, pause_asked, refusal, response_behind, with_retries
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
    kagglehub = require("kagglehub", "hubs")
    if uri.version is not None:
        raise HubError(f"{uri}: Kaggle numbers the versions itself; leave the version out")
    if kagglehub.config.get_kaggle_credentials() is None:
        raise HubError(f"{uri} needs credentials; {LOGIN}")
    handle, folder = str(_handle(uri)), bundle.folder
    ignored = [path.name for path in folder.iterdir() if path.is_dir() or is_incidental(path.name)] or None

    def action() -> None:
        kagglehub.model_upload(handle, str(folder), version_notes=notes, ignore_patterns=ignored)

    _call(action, uri, "uploading")
    return f"https://www.kaggle.com/models/{handle}"


def download(uri: KaggleUri) -> Bundle:
    """Fetch a bundle into kagglehub's cache, or find it there.

    Raises:
        HubError: it cannot be fetched and is not cached.
        BundleError: what Kaggle sent is no bundle; it is thrown out of the cache.
    """
    kagglehub = require("kagglehub", "hubs")
    handle, cache = _handle(uri), kagglehub.cache.Cache()
    if uri.version is None:
        try:
            version = _call(lambda: _current_version(handle), uri, "asking for")
        except HubError as error:
            # A refusal is an answer; only silence makes the cached copy the best there is.
            cached = _newest_cached(cache, uri)
            if cached is None or response_behind(error) is not None:
                raise
            logger.warning("Kaggle cannot be reached; using the cached version %d of %s", cached, uri)
            version = cached
        uri = replace(uri, version=version)
        handle = _handle(uri)
    if not cache.load_from_cache(handle):
        check_file_names(_call(lambda: _file_names(handle), uri, "listing"), uri)
    folder = _call(lambda: Path(kagglehub.model_download(uri.handle)), uri, "fetching")
    try:
        return read_bundle(folder)
    except BundleError:
        cache.delete_from_cache(handle)
        raise


def _handle(uri: KaggleUri) -> Any:
    from kagglehub.handle import parse_model_handle

    handle = parse_model_handle(uri.handle)
    try:
        handle.framework_enum()
    except ValueError as error:
        raise HubError(f"{uri}: {error}") from error
    return handle


def _current_version(handle: Any) -> int:
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest

    with build_kaggle_client() as client:
        request = _addressed(ApiGetModelInstanceRequest(), handle)
        return int(client.models.model_api_client.get_model_instance(request).version_number)


def _file_names(handle: Any) -> list[str]:
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.models.types.model_api_service import ApiListModelInstanceVersionFilesRequest

    request = _addressed(ApiListModelInstanceVersionFilesRequest(), handle)
    request.version_number = handle.version
    with build_kaggle_client() as client:
        answer = client.models.model_api_client.list_model_instance_version_files(request)
    if answer.next_page_token:  # kagglehub would then unpack an archive that nobody has looked into
        raise BundleError(f"kaggle://{handle} is no bundle: it holds more files than one list of them")
    return [str(file.name) for file in answer.files]


def _addressed(request: Any, handle: Any) -> Any:
    request.owner_slug, request.model_slug = handle.owner, handle.model
    request.framework, request.instance_slug = handle.framework_enum(), handle.variation
    return request


def _newest_cached(cache: Any, uri: KaggleUri) -> int | None:
    versions = Path(cache.get_path(_handle(uri))).parent
    numbers = sorted((int(path.name) for path in versions.glob("*") if path.name.isdecimal()), reverse=True)
    return next((n for n in numbers if cache.load_from_cache(_handle(replace(uri, version=n)))), None)


def _call(action: Callable[[], Result], uri: KaggleUri, doing: str) -> Result:
    """Run a client's call; what it raises becomes one sentence."""
    from kagglehub.exceptions import BackendError, DataCorruptionError, UnauthenticatedError

    try:
        return with_retries(action, _transient, f"{doing} {uri}")
    except UnauthenticatedError as error:
        raise HubError(f"{uri} needs credentials; {LOGIN}") from error
    except (BackendError, DataCorruptionError) as error:
        raise HubError(f"{doing} {uri} failed: {error}") from error
    except OSError as error:  # requests' errors are OSErrors
        raise refusal("Kaggle", doing, uri, error, login=LOGIN) from error


def _transient(error: Exception) -> float | None:
    from requests.exceptions import ChunkedEncodingError, ConnectionError

    # A connection cut in the middle; one that cannot be made at all is not tried again.
    cut = isinstance(error, ConnectionError) and "Connection aborted" in str(error)
    return 0.0 if cut or isinstance(error, ChunkedEncodingError) else pause_asked(error)
