"""AgeLens: age and gender from a face, with how sure it is; offline, on a CPU.

>>> import agelens
>>> agelens.predict("photo.jpg")            # [Face(box=…, age=31.4, age_interval=(24.0, 39.5), …)]
>>> predictor = agelens.load("embedded")    # keep it, and share it between threads
>>> for answer in predictor.predict_many(paths): ...
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agelens.errors import AgeLensError, ImageError
from agelens.labels import Gender
from agelens.version import __version__

if TYPE_CHECKING:
    from agelens.faces.detection.base import Detector, DetectorName
    from agelens.faces.images import Source
    from agelens.inference.answers import Answer, Face
    from agelens.inference.predictor import Predictor

__all__ = [
    "AgeLensError",
    "Answer",
    "Face",
    "Gender",
    "ImageError",
    "Predictor",
    "__version__",
    "load",
    "predict",
]


def load(
    model: str | Path = "embedded", detector: Detector | DetectorName = "auto", **options: Any
) -> Predictor:
    """Load a model for repeated use.

    Args:
        model: ``embedded``, or the path of a bundle's folder.
        detector: ``auto``, ``yunet``, ``haar``, ``whole`` (the picture is an aligned face), or an object.
        options: further keywords of ``Predictor``.

    Raises:
        BundleError: there is no such model, or it is damaged.
    """
    from agelens.inference.predictor import Predictor
    from agelens.models.catalogue import resolve

    return Predictor(resolve(model), detector, **options)


def predict(image: Source) -> list[Face]:
    """Read every face of one image with the embedded model, the largest first.

    Raises:
        ImageError: the image cannot be read.
    """
    return _embedded().predict(image)


@cache
def _embedded() -> Predictor:
    return load()


def __getattr__(name: str) -> Any:
    # Loaded on first use: onnxruntime and OpenCV take most of the import's time.
    if name in ("Answer", "Face"):
        from agelens.inference import answers

        return getattr(answers, name)
    if name == "Predictor":
        from agelens.inference.predictor import Predictor

        return Predictor
    raise AttributeError(f"module 'agelens' has no attribute {name!r}")
