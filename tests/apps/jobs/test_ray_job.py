"""The job on a local cluster of two workers, one of which is killed while it reads."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import agelens
from agelens.apps.jobs.job import JobSpec, folder_of, run_job
from agelens.apps.jobs.lock import locked
from agelens.apps.jobs.ray_job import run_ray_job
from agelens.apps.jobs.spread import spread
from agelens.errors import JobError, ManifestError
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
    images = list(stream([chips])) * 40
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
    report = run_ray_job("embedded", images, str(tmp_path / "ray.parquet"), SPEC, workers=2)
    killer.join()
    assert killed
    assert (report.images, report.failed) == (1600, 80)
    run_job(agelens.load("embedded", "whole"), stream([chips]), tmp_path / "here.parquet", SPEC)
    there = pq.read_table(tmp_path / "ray.parquet")
    here = pq.read_table(tmp_path / "here.parquet")
    assert there["image"].to_pylist() == [one.name for one in images]
    assert there.slice(0, 40).equals(here)  # errors, too


def test_a_cluster_answers_as_one_machine_does(cluster: Any, chips: Path, tmp_path: Path) -> None:
    """Images of folders, a CSV and Parquet tables, one of which holds them, with columns of their own."""
    paths = [Path(str(one.source)) for one in stream([chips])]
    held = [{"bytes": path.read_bytes(), "path": None} for path in paths]
    days = [datetime(2024, 1, 1 + at % 28, tzinfo=UTC) for at in range(40)]
    hugging_face = pa.table({"image": held, "age": list(range(40)), "day": days})
    pq.write_table(hugging_face, tmp_path / "hf.parquet", row_group_size=7)
    pq.write_table(pa.table({"image": ["chips/0/000.jpg", None], "day": ["x", "y"]}), tmp_path / "n.parquet")
    (tmp_path / "m.csv").write_text("image;age;note\nchips/0/002.jpg;7;a\nchips/1/001.jpg;;b\n")
    sources = [str(tmp_path / name) for name in ("m.csv", "chips", "hf.parquet", "n.parquet")]
    pieces, own = spread(sources)
    assert own == {"age": str, "note": str, "day": str}
    output = tmp_path / "there.parquet"
    report = run_ray_job("embedded", pieces, f"file://{output}", SPEC, own, workers=2)
    assert (report.images, report.faces, report.failed) == (84, 79, 5)
    run_job(agelens.load("embedded", "whole"), stream(sources), tmp_path / "here.parquet", SPEC, own)
    here = pq.read_table(tmp_path / "here.parquet")
    assert pq.read_table(output).to_pylist() == here.to_pylist()
    assert pq.read_schema(output).equals(here.schema)
    assert not folder_of(output).exists()


def test_row_groups_are_dealt_out_one_by_one(cluster: Any, chips: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    content = (chips / "0" / "000.jpg").read_bytes()
    pq.write_table(pa.table({"image": [content] * 60}), table, row_group_size=5)
    pieces, own = spread([str(table)])
    told: list[int] = []
    run_ray_job("embedded", pieces, str(tmp_path / "out.parquet"), SPEC, own, workers=2, progress=told.append)
    assert told == list(range(5, 61, 5))


def test_a_damaged_table_is_a_sentence_and_an_output_is_locked(
    cluster: Any, chips: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.parquet"
    pq.write_table(pa.table({"image": [(chips / "0" / "000.jpg").read_bytes()] * 9}), table, row_group_size=3)
    whole = table.read_bytes()
    pieces, own = spread([str(table)])
    table.write_bytes(whole[:200] + b"x" * 200 + whole[400:])
    with pytest.raises(ManifestError, match="cannot be read as Parquet"):
        run_ray_job("embedded", pieces, str(tmp_path / "out.parquet"), SPEC, own)
    output = tmp_path / "out.parquet"
    with locked(folder_of(output)), pytest.raises(JobError, match=f"process {os.getpid()} on"):
        run_ray_job("embedded", pieces, str(output), SPEC, own)
    assert not output.exists()
