"""What computes a bundle's network: ONNX Runtime, or OpenVINO where its extra is installed.

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

RuntimeName = Literal["onnxruntime", "openvino"]

Floats = NDArray[np.float32]

#: (n, 3, S, S) normalised RGB -> (n, 101) age logits, (n, 2) gender logits; safe to call from many threads.
Network = Callable[[Floats], tuple[Floats, Floats]]


def load_network(model: Path, runtime: RuntimeName, threads: int) -> Network:
    """Load an ONNX file for a runtime.

    Raises:
        ValueError: there is no such runtime.
        BundleError: the runtime cannot load it.
        MissingExtraError: OpenVINO is not installed.
    """
    if runtime not in get_args(RuntimeName):
        raise ValueError(f"runtime must be one of {', '.join(get_args(RuntimeName))}, not {runtime!r}")
    try:
        return _openvino(model, threads) if runtime == "openvino" else _onnxruntime(model, threads)
    except AgeLensError:
        raise
    except Exception as error:  # ONNX Runtime's errors share no public base
        raise BundleError(f"{model} cannot be loaded by {runtime}: {error}") from error


def _onnxruntime(model: Path, threads: int) -> Network:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that wait by spinning would take the cores from those that find faces.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

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
