"""Find YuNet's file: named by the user, cached, or fetched once from OpenCV's model zoo."""

from __future__ import annotations

import logging
import os
import urllib.request
from pathlib import Path

from agelens.errors import DetectorError, OutputError
from agelens.files import sha256, written_whole

logger = logging.getLogger(__name__)

FILE_NAME = "face_detection_yunet_2026may.onnx"
SHA256 = "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"
URL = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{FILE_NAME}"
TIMEOUT = 5.0  # seconds; a network that needs longer to answer for 230 KB is taken as absent


def yunet_file(path: Path | None = None, url: str = URL) -> Path:
    """Where YuNet's file lies on this machine, fetched if need be.

    Raises:
        DetectorError: the named file does not exist or may not be read, or nothing could be fetched and kept.
    """
    if (known := known_file(path)) is not None:
        return known
    cached = cache_folder() / FILE_NAME
    _fetch(url, cached)
    return cached


def known_file(path: Path | None = None) -> Path | None:
    """Where YuNet's file lies on this machine already; None where it would have to be fetched.

    Raises:
        DetectorError: the named file does not exist, or may not be read.
    """
    if named := path or os.environ.get("AGELENS_YUNET"):
        if not os.path.isfile(named):
            raise DetectorError(f"no YuNet model at {named}")
        if not os.access(named, os.R_OK):
            raise DetectorError(f"the YuNet model at {named} may not be read: no permission")
        return Path(named)
    cached = cache_folder() / FILE_NAME
    return cached if _is_yunet(cached) else None


def cache_folder() -> Path:
    """``AGELENS_CACHE``, or ``agelens`` in the user's cache folder.

    Raises:
        DetectorError: neither names one, and the user has no home.
    """
    if named := os.environ.get("AGELENS_CACHE"):
        return Path(named)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agelens"
    except RuntimeError as error:  # no HOME, and no entry for this user either
        raise DetectorError(
            "there is no home folder to keep YuNet's file in; set AGELENS_CACHE, or AGELENS_YUNET to a copy"
        ) from error


def _is_yunet(file: Path) -> bool:
    try:
        return sha256(file) == SHA256
    except OSError:  # missing, or not to be read
        return False


def _fetch(url: str, goal: Path) -> None:
    logger.info("fetching YuNet's file, 230 KB, from %s", url)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response, written_whole(goal) as temporary:
            temporary.write_bytes(response.read())
            if (digest := sha256(temporary)) != SHA256:
                raise DetectorError(f"what {url} sent is not YuNet: its SHA-256 is {digest[:12]}…")
    except (OSError, OutputError) as error:  # urllib's among them
        reason = getattr(error, "reason", error)
        raise DetectorError(
            f"YuNet's file could not be fetched ({reason}); go online once, or point AGELENS_YUNET to a copy"
        ) from error
