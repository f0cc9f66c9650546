from __future__ import annotations

import re
from pathlib import Path

import numpy
import torch

from agelens.data.manifest import read_manifest
from agelens.data.pack import write_pack
from agelens.files import sha256
from agelens.labels import Sample
from agelens.training.provenance import Hardware, RunRecord, StartRecord, git_commit, record_of, versions
from agelens.training.recipe import load_recipe

SPLITS = {
    "train": [Sample("a.jpg", source="utkface"), Sample("b.jpg", source="agedb"), Sample("c.jpg")],
    "val": [Sample("d.jpg", source="fairface")],
    "test": [],
}


def test_a_record_names_code_data_and_hardware_and_reads_back_the_same(
    synthetic: Path, tmp_path: Path
) -> None:
    write_pack(read_manifest(synthetic), tmp_path / "pack", 16)
    (tmp_path / "t.npz").write_bytes(b"answers")
    recipe = load_recipe("embedded-labels", [f"also=[{tmp_path / 'pack'}]", f"teacher={tmp_path / 't.npz'}"])
    record = record_of(recipe, synthetic, SPLITS, None, Hardware("cpu", 2))
    assert record.data.sha256 == sha256(synthetic)
    assert record.data.also == {str(tmp_path / "pack"): sha256(tmp_path / "pack" / "manifest.csv")}
    assert record.data.teacher == sha256(tmp_path / "t.npz")
    assert record.images == {"train": 3, "val": 1, "test": 0}
    assert record.sources == ["agedb", "utkface"]  # of what is learnt, not of what chooses the epoch
    assert (record.hardware, record.started_from) == (Hardware("cpu", 2), None)
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_the_data_of_the_runs_before_count_among_the_sources(synthetic: Path) -> None:
    start = StartRecord(path="x.ckpt", sha256="0", sources=("imdb-wiki", "utkface"))
    record = record_of(load_recipe("embedded-labels"), synthetic, SPLITS, start, Hardware())
    assert record.sources == ["agedb", "imdb-wiki", "utkface"]


def test_an_early_record_is_read_with_what_it_has() -> None:
    early = RunRecord.model_validate_json('{"data": {"path": "m.csv", "sha256": "1"}, "host": "left out"}')
    assert (early.git_commit, early.sources, early.data.also, early.images) == ("unknown", [], {}, {})


def test_versions_are_those_that_run() -> None:
    found = versions()
    assert found["numpy"] == numpy.__version__
    assert torch.__version__.startswith(found["torch"])


def test_the_commit_is_a_hash_or_unknown() -> None:
    assert re.fullmatch(r"unknown|[0-9a-f]{40}(-dirty)?", git_commit())
