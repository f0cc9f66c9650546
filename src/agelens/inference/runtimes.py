"""What computes a bundle's network: ONNX Runtime on the processor or a CUDA device, or OpenVINO, an extra.

On a CUDA device ONNX Runtime runs the detector, too. Beside OpenVINO it runs it on the processor: its views
are of ever other sizes, for which OpenVINO takes up to fifteen times as long.

OpenVINO computes in bfloat16 where the processor multiplies it natively, twice as fast as ONNX Runtime's
float32 there; answers then move by a few hundredths of a year in the mean (docs/results.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from agelens.errors import AgeLensError, BundleError, require
from agelens.faces.sessions import Device, open_session

RuntimeName = Literal["onnxruntime", "openvino", "cuda"]

Floats = NDArray[np.float32]

#: (n, 3, S, S) normalised RGB -> (n, 101) age logits, (n, 2) gender logits; safe to call from many threads.
Network = Callable[[Floats], tuple[Floats, Floats]]


def load_network(model: Path, runtime: RuntimeName, threads: int) -> Network:
    """Load an ONNX file for a runtime.

    Raises:
        ValueError: there is no such runtime.
        AgeLensError: there is no CUDA here.
        BundleError: the runtime cannot load it.
        MissingExtraError: OpenVINO is not installed.
    """
    if runtime not in get_args(RuntimeName):
        raise ValueError(f"runtime must be one of {', '.join(get_args(RuntimeName))}, not {runtime!r}")
    try:
        return _openvino(model, threads) if runtime == "openvino" else _onnxruntime(model, runtime, threads)
    except AgeLensError:
        raise
    except Exception as error:  # ONNX Runtime's errors share no public base
        raise BundleError(f"{model} cannot be loaded by {runtime}: {error}") from error


def device_of(runtime: RuntimeName) -> Device:
    """Where ONNX Runtime computes for a runtime."""
    return "cuda" if runtime == "cuda" else "cpu"


def _onnxruntime(model: Path, runtime: RuntimeName, threads: int) -> Network:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that wait by spinning would take the cores from those that find faces.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = open_session(model, options, device_of(runtime))

    def run(images: Floats) -> tuple[Floats, Floats]:
        age, gender = session.run(["age_logits", "gender_logits"], {"images": images})
        return age, gender

    return run


def _openvino(model: Path, threads: int) -> Network:
    openvino = require("openvino", "openvino")
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(str(model), "CPU", settings).create_infer_request()
    in_turn = threading.Lock()  # requests of several threads at once have been seen to wait for ever

    def run(images: Floats) -> tuple[Floats, Floats]:
        with in_turn:
            answer = request.infer([images])
            # The next call writes over them.
            return answer["age_logits"].copy(), answer["gender_logits"].copy()

    return run
