from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import agelens
from agelens.apps.jobs.job import JobSpec, run_job
from agelens.errors import JobError
from agelens.inference.options import AnswerOptions
from agelens.inference.sources import stream
from agelens.inference.tables import own_columns

SPEC = JobSpec("model", "whole", "onnxruntime", AnswerOptions(at_least=18))


#: The command with parts of five images, and a fifth of a second between them to be killed in.
SLOW = """
import contextlib, time
import agelens.apps.jobs.job as job
from agelens.cli.main import main

job.run_job.__kwdefaults__["part"] = 5
writer = job.parquet_writer

@contextlib.contextmanager
def slow_writer(*arguments, **named):
    with writer(*arguments, **named) as add:
        yield add
    time.sleep(0.2)

job.parquet_writer = slow_writer
main()
"""


def job(chips: Path, output: Path, spec: JobSpec = SPEC, **options: int):
    return run_job(agelens.load("embedded", "whole"), stream([chips]), output, spec, part=7, **options)


def test_a_table_has_a_row_an_image_with_failures_in_their_own_column(chips: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    report = job(chips, tmp_path / "out.parquet", progress=seen.append)
    assert (report.images, report.faces, report.failed, report.resumed) == (40, 38, 2, 0)
    assert seen[-1] == 40
    assert seen == sorted(seen)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["image"] for row in rows] == [one.name for one in stream([chips])]
    bad = [row for row in rows if row["error"]]
    assert [Path(row["image"]).name for row in bad] == ["010.jpg", "011.jpg"]
    assert all(row["age"] is None for row in bad)
    good = rows[0]
    assert good["age_low"] < good["age"] < good["age_high"]
    assert good["at_least"] == 18
    assert not (tmp_path / "out.parquet.parts").exists()


def test_a_job_stopped_in_the_middle_goes_on_without_losing_or_repeating(chips: Path, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(done: int) -> None:
        if done > 17:
            raise StopError

    whole = tmp_path / "whole.parquet"
    job(chips, whole)
    output = tmp_path / "out.parquet"
    with pytest.raises(StopError):
        job(chips, output, progress=stop)
    assert not output.exists()
    report = job(chips, output)
    assert (report.images, report.resumed) == (40, 14)
    assert pq.read_table(output).equals(pq.read_table(whole))


def test_another_job_or_other_images_do_not_mix(chips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"

    def stop(done: int) -> None:
        if done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job(chips, output, progress=stop)
    with pytest.raises(JobError, match="asked for another level"):
        job(chips, output, replace(SPEC, options=AnswerOptions(level=0.8, at_least=18)))
    with pytest.raises(JobError, match="asked for another runtime"):
        job(chips, output, replace(SPEC, runtime="openvino"))
    (chips / "0" / "000.jpg").unlink()
    with pytest.raises(JobError, match="the images have changed"):
        job(chips, output)


def test_a_changed_picture_is_no_part_of_the_job(chips: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job(chips, tmp_path / "out.parquet", progress=_interrupt_after(9))
    first = chips / "0" / "000.jpg"
    first.write_bytes(first.read_bytes() + b" ")
    with pytest.raises(JobError, match="the images have changed"):
        job(chips, tmp_path / "out.parquet")


def test_a_folder_that_is_not_the_jobs_own_is_left_alone(chips: Path, tmp_path: Path) -> None:
    mine = tmp_path / "out.parquet.parts" / "mine"
    mine.parent.mkdir()
    mine.touch()
    with pytest.raises(JobError, match="no job's own folder"):
        job(chips, tmp_path / "out.parquet")
    assert mine.exists()


def test_two_jobs_on_one_output_do_not_mix(chips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"

    def second(done: int) -> None:
        with pytest.raises(JobError, match=f"held by process {os.getpid()} on"):
            job(chips, output)

    assert job(chips, output, progress=second).images == 40
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out.parquet"]


def table_job(table: Path, output: Path, **options: Any):
    predictor = agelens.load("embedded", "whole")
    return run_job(predictor, stream([table]), output, SPEC, own_columns([table]), part=7, **options)


@pytest.mark.parametrize("changed", ["bytes", "id", "none"])
def test_a_resumed_job_sees_changed_bytes_and_rows(changed: str, chips: Path, tmp_path: Path) -> None:
    held = [Path(str(one.source)).read_bytes() for one in stream([chips])][:20]
    columns = {"image": [{"bytes": one, "path": "same.jpg"} for one in held], "id": list(range(20))}
    table, output = tmp_path / "t.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(columns), table)
    with pytest.raises(KeyboardInterrupt):
        table_job(table, output, progress=_interrupt_after(9))
    if changed == "bytes":
        columns["image"][3]["bytes"] = held[4]
    elif changed == "id":
        columns["id"][3] = 99
    pq.write_table(pa.table(columns), table)
    if changed == "none":
        assert table_job(table, output).resumed == 7
        assert pq.read_table(output)["id"].to_pylist() == list(range(20))
        assert set(pq.read_table(output)["image"].to_pylist()) == {"same.jpg"}
    else:
        with pytest.raises(JobError, match="the images have changed"):
            table_job(table, output)


def test_a_resumed_job_carries_the_columns_it_began_with(chips: Path, tmp_path: Path) -> None:
    table, output = tmp_path / "t.csv", tmp_path / "out.parquet"
    names = [str(one.source) for one in stream([chips])]
    table.write_text("image,id\n" + "".join(f"{name},{at}\n" for at, name in enumerate(names)))
    with pytest.raises(KeyboardInterrupt):
        table_job(table, output, progress=_interrupt_after(9))
    table.write_text(table.read_text().replace("image,id", "image,key"))
    with pytest.raises(JobError, match="asked for another columns"):
        table_job(table, output)


def _interrupt_after(images: int) -> Callable[[int], None]:
    def interrupt(done: int) -> None:
        if done >= images:
            raise KeyboardInterrupt

    return interrupt


def test_the_command_survives_a_kill(chips: Path, tmp_path: Path) -> None:
    """SIGKILL at the first finished part, twice; the third run ends it, equal to a run of its own."""
    output = tmp_path / "out.parquet"
    command = [sys.executable, "-c", SLOW, "predict", str(chips), "-o", str(output), "--detector", "whole"]
    for parts in (1, 4):
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            folder = Path(f"{output}.parts")
            for _ in range(600):
                if len(list(folder.glob("*.parquet"))) >= parts:
                    break
                time.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "38 faces of 40 images" in done.stderr
    assert "before this start" in done.stderr
    assert "2 of 40 images could not be read" in done.stderr
    alone = tmp_path / "alone.parquet"
    command[command.index(str(output))] = str(alone)
    subprocess.run(command, check=False, capture_output=True)
    assert pq.read_table(output).equals(pq.read_table(alone))
