"""How even the machine's own pace is: the same work over and over on every core, counted by the half second.

    AGELENS_YUNET=FILE python benchmarks/pace.py [--seconds 60] [--cores 2]

The work is YuNet's network on one picture of 640 pixels, one process a core, none of the service around it.
What varies here varies under ``load.py`` too.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import onnxruntime

WINDOW = 0.5  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    begin = time.time() + 3  # when every process has loaded the network
    with ProcessPoolExecutor(options.cores) as processes:
        counts = processes.map(work, [(begin, options.seconds)] * options.cores)
        pace = np.sum(list(counts), axis=0) / WINDOW
    low, middle, high = np.percentile(pace, [5, 50, 95])
    print(f"calls a second, all cores: {pace.min():.0f} to {pace.max():.0f}", end="")
    print(f" (median {middle:.0f}, 5th and 95th percentile {low:.0f} and {high:.0f})")


def work(when: tuple[float, float]) -> list[float]:
    """One core's calls in each window, in parts of a call where one lies across two windows."""
    begin, seconds = when
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.environ["AGELENS_YUNET"], options)
    picture = np.zeros((1, 3, 640, 640), np.float32)
    session.run(None, {"input": picture})
    time.sleep(max(0.0, begin - time.time()))
    counts = [0.0] * round(seconds / WINDOW)
    for start, end in calls(session, picture, seconds):
        first, last = int(start / WINDOW), min(int(end / WINDOW), len(counts) - 1)
        for window in range(first, last + 1):
            inside = min(end, (window + 1) * WINDOW) - max(start, window * WINDOW)
            counts[window] += inside / (end - start)
    return counts


def calls(
    session: onnxruntime.InferenceSession, picture: np.ndarray, seconds: float
) -> Iterator[tuple[float, float]]:
    """When each call began and ended, in seconds from the first."""
    begin = time.perf_counter()
    start = 0.0
    while start < seconds:
        session.run(None, {"input": picture})
        end = time.perf_counter() - begin
        yield start, end
        start = end


if __name__ == "__main__":
    main()
