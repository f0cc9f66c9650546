"""ONNX Runtime's sessions, for the detector's network and the model's: on the processor or a CUDA device."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import onnxruntime as ort

from agelens.errors import AgeLensError

Device = Literal["cpu", "cuda"]

_CUDA = "CUDAExecutionProvider"


def open_session(model: Path, options: ort.SessionOptions, device: Device = "cpu") -> ort.InferenceSession:
    """Load an ONNX file; what the device cannot compute, the processor does.

    Raises:
        AgeLensError: this ONNX Runtime has no CUDA, or finds no device or no CUDA libraries.
        Exception: the file cannot be loaded; ONNX Runtime's errors share no public base.
    """
    if device == "cpu":
        return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    if _CUDA not in ort.get_available_providers():
        raise AgeLensError(
            "the runtime 'cuda' needs ONNX Runtime's build for NVIDIA devices: "
            "pip uninstall onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'"
        )
    ort.preload_dlls()  # those that pip has installed, torch's among them
    # Views of pictures differ in size; an exhaustive search would begin again at each.
    on_device = (_CUDA, {"cudnn_conv_algo_search": "HEURISTIC"})
    session = ort.InferenceSession(str(model), options, providers=[on_device, "CPUExecutionProvider"])
    if _CUDA not in session.get_providers():  # it goes on without, and says so in its log alone
        raise AgeLensError(
            "ONNX Runtime could not begin to use a CUDA device; its log says what it missed: "
            "a device, its driver, CUDA or cuDNN"
        )
    return session
