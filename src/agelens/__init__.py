"""AgeLens: age and gender from a face, with how sure it is; offline, on a CPU.

>>> import agelens
>>> agelens.predict("photo.jpg")            # [Face(box=…, age=31.4, age_interval=(24.0, 39.5), …)]
>>> predictor = agelens.load("embedded")    # keep it, and share it between threads
>>> for answer in predictor.predict_many(paths, agelens.AnswerOptions(level=0.8)): ...
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from agelens.errors import AgeLensError, ImageError
from agelens.labels import Gender
from agelens.version import __version__

if TYPE_CHECKING:
    from agelens.inference.answers import Answer, Face
    from agelens.inference.options import AnswerOptions
    from agelens.inference.predictor import Predictor, load, predict
    from agelens.inference.rows import to_rows
    from agelens.inference.sources import ImageRef

__all__ = [
    "AgeLensError",
    "Answer",
    "AnswerOptions",
    "Face",
    "Gender",
    "ImageError",
    "ImageRef",
    "Predictor",
    "__version__",
    "load",
    "predict",
    "to_rows",
]

#: Where a name lies that is loaded on first use: OpenCV and ONNX Runtime take long to import.
_MODULES = {
    "Answer": "answers",
    "AnswerOptions": "options",
    "Face": "answers",
    "ImageRef": "sources",
    "Predictor": "predictor",
    "load": "predictor",
    "predict": "predictor",
    "to_rows": "rows",
}

# ONNX Runtime reads it once, when it is first imported; whoever has set it already has decided.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if not TYPE_CHECKING:  # else a type checker would believe that every name exists

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module 'agelens' has no attribute {name!r}")
        return getattr(importlib.import_module(f"agelens.inference.{_MODULES[name]}"), name)
