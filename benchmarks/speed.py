"""Milliseconds a face of a bundle's network, beside what a plain matrix product reaches in the same run.

    python benchmarks/speed.py [--model embedded] [--threads 1] [--batch 1]

The product of two 512 × 512 float32 matrices is 134 million multiply-adds: a yardstick that moves with the
machine, so that figures of different days can be compared as ratios.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--model", default="embedded")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--repeats", type=int, default=300)
options = parser.parse_args()
# BLAS libraries read these once, when NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(options.threads)

import numpy as np  # noqa: E402
import onnxruntime as ort  # noqa: E402

from agelens.catalogue import resolve  # noqa: E402


def main() -> None:
    bundle = resolve(options.model)
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = ort.InferenceSession(str(bundle.model), settings, providers=["CPUExecutionProvider"])
    size = bundle.spec.input.size
    rng = np.random.default_rng(0)
    faces = rng.normal(size=(options.batch, 3, size, size)).astype(np.float32)
    one, other = rng.normal(size=(2, 512, 512)).astype(np.float32)
    network = timed(lambda: session.run(None, {"images": faces}))
    product = timed(lambda: one @ other)
    each = np.median(network) / options.batch
    print(f"{bundle.spec.name}, {size} px, batch {options.batch}, {options.threads} thread(s)")
    print(f"network  {each:.2f} ms a face (p95 {np.percentile(network, 95) / options.batch:.2f})")
    print(f"product  {np.median(product):.2f} ms for 512 × 512 × 512")
    print(f"ratio    {each / np.median(product):.2f}")


def timed(call: Callable[[], object]) -> np.ndarray:
    """Milliseconds of each call, after a warm-up."""
    for _ in range(20):
        call()
    taken = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        call()
        taken.append((time.perf_counter() - start) * 1e3)
    return np.array(taken)


if __name__ == "__main__":
    main()
