"""A big job end to end, beside the sum of its parts measured alone, all cores busy.

    python benchmarks/throughput.py FOLDER|manifest.csv [--images 4000] [--detector yunet]

Parts: opening the file, finding faces, cutting them out, the network. Each is timed over the same images with
what it needs already in memory; a job that wasted nothing would take their sum.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet  # noqa: F401 - a job loads it once, which is no part of its pace

import agelens
from agelens.apps.jobs.job import JobSpec, run_job
from agelens.faces import quality
from agelens.faces.crop import crop_face
from agelens.faces.images import open_image
from agelens.inference.options import AnswerOptions
from agelens.inference.sources import ImageRef, stream

CORES = 2
CHUNK = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--detector", default="yunet")
    options = parser.parse_args()
    images = list(islice(stream([options.source]), options.images))
    predictor = agelens.load("embedded", options.detector, threads=CORES)
    parts = dict.fromkeys(("open", "find", "cut", "network"), 0.0)
    for start in range(0, len(images), CHUNK):
        add_parts(parts, predictor, images[start : start + CHUNK])
    total = sum(parts.values())
    spec = JobSpec("benchmark", options.detector, "onnxruntime", AnswerOptions())
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        report = run_job(predictor, images, Path(folder) / "out.parquet", spec)
        whole = time.perf_counter() - started
    each = 1000 / len(images)
    print(", ".join(f"{name} {each * seconds:.2f} ms" for name, seconds in parts.items()))
    print(f"sum of the parts  {each * total:.2f} ms an image, {len(images) / total:.0f} a second")
    print(f"end to end        {each * whole:.2f} ms an image, {len(images) / whole:.0f} a second")
    print(f"{whole / total:.2f} × the sum; {report.faces} faces of {report.images} images")


def add_parts(parts: dict[str, float], predictor: agelens.Predictor, images: Sequence[ImageRef]) -> None:
    """Time each part over one chunk of images."""
    detector, spec = predictor.detector, predictor.bundle.spec

    def timed(name: str, call: Callable[[Any], Any], inputs: Sequence[Any]) -> list[Any]:
        started = time.perf_counter()
        with ThreadPoolExecutor(CORES) as pool:
            results = list(pool.map(call, inputs))
        parts[name] += time.perf_counter() - started
        return results

    pixels = [picture.pixels for picture in timed("open", open_image, [one.source for one in images])]
    found = timed("find", detector.detect, pixels)
    pairs = [(p, one) for p, detections in zip(pixels, found, strict=True) for one in detections]

    def cut(pair: Any) -> Any:
        crop = crop_face(pair[0], pair[1], detector.name, spec.crop, spec.input.size)
        quality.of_picture(pair[1].score, pair[1].side, crop)
        return crop

    crops = timed("cut", cut, pairs)
    started = time.perf_counter()
    predictor.read_faces(crops)
    parts["network"] += time.perf_counter() - started


if __name__ == "__main__":
    main()
