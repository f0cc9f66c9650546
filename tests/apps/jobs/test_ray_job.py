"""The job on a local cluster of two workers, one of which is killed while it reads."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import agelens
from agelens.apps.jobs.job import JobSpec, run_job
from agelens.apps.jobs.ray_job import run_ray_job, table_of_bytes
from agelens.inference.options import AnswerOptions
from agelens.inference.sources import stream

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'agelens[ray]'")

pytestmark = pytest.mark.slow

SPEC = JobSpec("model", "whole", "onnxruntime", AnswerOptions())


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "1"
    one = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    one.add_node(num_cpus=1)
    ray.init(address=one.address, log_to_driver=False, configure_logging=False)
    yield one
    ray.shutdown()
    one.shutdown()


def readers() -> list[int]:
    """Process numbers of the workers that hold a model."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                title = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if title.startswith(b"ray::") and b"MapWorker" in title and b"RayWorker" in title:
                found.append(int(entry.name))
    return found


def test_a_killed_worker_costs_nothing_and_the_table_is_the_same(
    cluster: Any, chips: Path, tmp_path: Path
) -> None:
    names = [str(one.source) for one in stream([chips])] * 40
    killed: list[int] = []

    def kill() -> None:
        for _ in range(1200):
            if running := readers():
                time.sleep(0.5)
                killed.append(running[-1])
                os.kill(running[-1], signal.SIGKILL)
                return
            time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    report = run_ray_job("embedded", names, str(tmp_path / "ray.parquet"), SPEC, workers=2)
    killer.join()
    assert killed
    assert (report.images, report.failed) == (1600, 80)
    run_job(agelens.load("embedded", "whole"), stream([chips]), tmp_path / "here.parquet", SPEC)
    there = pq.read_table(tmp_path / "ray.parquet")
    here = pq.read_table(tmp_path / "here.parquet")
    assert there["image"].to_pylist() == names
    assert there.slice(0, 40).equals(here)  # errors, too


def test_images_may_come_as_bytes_in_parquet(cluster: Any, chips: Path, tmp_path: Path) -> None:
    paths = [Path(str(one.source)) for one in stream([chips])]
    table = pa.table({"image": [p.name for p in paths], "bytes": [p.read_bytes() for p in paths]})
    pq.write_table(table, tmp_path / "in.parquet")
    assert table_of_bytes([str(tmp_path / "in.parquet"), "x.jpg"]) is None
    dataset = table_of_bytes([str(tmp_path / "in.parquet")])
    output = f"file://{tmp_path}/out.parquet"
    report = run_ray_job("embedded", dataset, output, SPEC, workers=2)
    assert (report.images, report.faces, report.failed) == (40, 38, 2)
    assert pq.read_table(tmp_path / "out.parquet")["image"].to_pylist() == [p.name for p in paths]
