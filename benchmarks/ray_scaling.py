"""A Ray job over a Parquet table of chips, on one core and on more: what a worker answers a second.

    python benchmarks/ray_scaling.py work/lfw-images [--rows 100000] [--workers 1 2] [--detector whole]

The chips of the folder are repeated in a table of row groups of a thousand. Each number of workers is a
process with its own local cluster, all of it kept on as many cores. The pace is taken from the first answers
to the last, so that the start of the cluster is left out; the whole is told beside it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agelens.apps.jobs.job import JobSpec
from agelens.apps.jobs.ray_job import run_ray_job
from agelens.apps.jobs.spread import spread
from agelens.inference.options import AnswerOptions
from agelens.models.catalogue import resolve

ROW_GROUP = 1000

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="a folder of chips, or the table that was made of one")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--detector", default="whole")
    parser.add_argument("--cores", type=int, help="be the job, on so many cores")
    options = parser.parse_args()
    if options.cores:
        job(options.source, options.cores, options.detector)
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "chips.parquet")
        write_table(options.source, table, options.rows)
        for workers in options.workers:
            command = [sys.executable, __file__, str(table), "--cores", str(workers)]
            subprocess.run([*command, "--detector", options.detector], check=True)


def write_table(folder: Path, table: Path, rows: int) -> None:
    """A table of as many rows, the folder's files again and again."""

    def images() -> Iterator[dict[str, object]]:
        files = itertools.cycle([(path.read_bytes(), path.name) for path in sorted(folder.iterdir())])
        for number, (content, name) in enumerate(itertools.islice(files, rows)):
            yield {"bytes": content, "path": f"{number:07d}-{name}"}

    with pq.ParquetWriter(table, pa.schema([("image", _IMAGE)])) as writer:
        left = images()
        while group := list(itertools.islice(left, ROW_GROUP)):
            writer.write_table(pa.table({"image": pa.array(group, _IMAGE)}))


def job(table: Path, cores: int, detector: str) -> None:
    """Run it on the first cores, and print its pace."""
    os.sched_setaffinity(0, range(cores))  # which the cluster's processes inherit
    import ray

    ray.init(num_cpus=cores, log_to_driver=False, configure_logging=False, include_dashboard=False)
    spec = JobSpec(resolve("embedded").fingerprint, detector, "onnxruntime", AnswerOptions())
    pieces, own = spread([str(table)])
    seen: list[tuple[float, int]] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        output = str(Path(folder, "answers.parquet"))
        tally = run_ray_job(
            "embedded", pieces, output, spec, own, workers=cores,
            progress=lambda done: seen.append((time.perf_counter(), done)),
        )  # fmt: skip
    (first, few), (last, all_of_them) = seen[0], seen[-1]
    pace = (all_of_them - few) / (last - first)
    print(
        f"{cores} workers: {tally.images:,} rows, {tally.faces:,} faces in {last - started:.0f} s; "
        f"{pace:.0f} rows a second, {pace / cores:.0f} a worker",
        flush=True,
    )


if __name__ == "__main__":
    main()
