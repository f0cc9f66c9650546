"""Find faces in a picture, with a detector chosen by its name."""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path

from agelens.errors import DetectorError
from agelens.faces.detection.base import Detector, DetectorName, WholeImage
from agelens.faces.detection.haar import Haar
from agelens.faces.detection.search import SearchOptions
from agelens.faces.detection.weights import known_file, yunet_file
from agelens.faces.detection.yunet import YuNet
from agelens.faces.sessions import Device

#: Gives each warning once in the life of the process.
warn_once = cache(logging.getLogger(__name__).warning)


def make_detector(
    name: DetectorName = "auto",
    yunet: Path | None = None,
    search: SearchOptions = SearchOptions(),
    device: Device = "cpu",
) -> Detector:
    """Make the detector of this name.

    Args:
        name: ``auto`` is YuNet where its file is at hand or can be fetched; otherwise Haar, with one warning
            in the life of the process.
        yunet: YuNet's file; without one, ``AGELENS_YUNET``, the cache, or OpenCV's zoo.
        search: how YuNet searches a picture; Haar looks at it once.
        device: what computes YuNet.

    Raises:
        AgeLensError: there is no CUDA here, and it was asked for.
        DetectorError: an unknown name, or YuNet was asked for by name and cannot be had.
    """
    match name:
        case "whole":
            return WholeImage()
        case "haar":
            return Haar()
        case "yunet":
            return YuNet(yunet_file(yunet), search=search, device=device)
        case "auto":
            try:
                return YuNet(yunet_file(yunet), search=search, device=device)
            except DetectorError as error:
                asked = (
                    yunet is not None or search != SearchOptions() or bool(os.environ.get("AGELENS_YUNET"))
                )
                if asked:
                    raise  # what was asked for in vain is a mistake to mend, not to paper over
                warn_once(f"using the Haar detector, which misses turned and small faces: {error}")
                return Haar()
    raise DetectorError(f"no detector {name!r}; there are auto, yunet, haar and whole")


def detectors_at_hand() -> list[Detector]:
    """The detectors that need nothing fetched, the best first: YuNet where its file is known, and Haar."""
    known = known_file()
    return [*([] if known is None else [YuNet(known)]), Haar()]
