"""From a picture to aligned faces: open it, find faces, cut them out, judge them. No model of age here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agelens.faces.boxes import Box, iou
    from agelens.faces.crop import CropConvention, crop_face
    from agelens.faces.detection import Detection, Detector, make_detector
    from agelens.faces.images import Picture, Pixels, open_image

__all__ = [
    "Box",
    "CropConvention",
    "Detection",
    "Detector",
    "Picture",
    "Pixels",
    "crop_face",
    "iou",
    "make_detector",
    "open_image",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use: who only opens images, as training does, need not wait for ONNX Runtime.
    if name in __all__:
        for module in ("boxes", "images", "crop", "detection"):
            if hasattr(found := import_module(f"agelens.faces.{module}"), name):
                return getattr(found, name)
    raise AttributeError(f"module 'agelens.faces' has no attribute {name!r}")
