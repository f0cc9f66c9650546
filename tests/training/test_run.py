from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from agelens.data.problems import Problem
from agelens.errors import AgeLensError
from agelens.files import sha256
from agelens.labels import Sample
from agelens.training.provenance import Hardware, RunRecord, StartRecord, record_of, weights_record
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.run import RunFolder, checkpoint_of, start_record

SHARED = Path(os.environ.get("AGELENS_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("embedded-labels", ["epochs=3"])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "faces.csv"
    path.write_text("image,split\n")
    return path


def record(recipe: Recipe, table: Path, start: StartRecord | None = None) -> RunRecord:
    train = [Sample("a.jpg", source="utkface"), Sample("b.jpg", source="agedb"), Sample("c.jpg")]
    splits = {"train": train, "val": [Sample("d.jpg", source="fairface")], "test": []}
    return record_of(recipe, table, splits, start, Hardware("cpu", 2))


def begin(folder: RunFolder, recipe: Recipe, about: RunRecord) -> None:
    folder.write(recipe, about)
    folder.checkpoints.mkdir(exist_ok=True)
    folder.last.write_bytes(b"last")
    folder.best.write_bytes(b"best")


def test_what_the_weights_have_seen_goes_with_them(recipe: Recipe, table: Path, tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path / "first"), RunFolder(tmp_path / "second")
    before = record(recipe, table)
    begin(
        first, recipe, before.model_copy(update={"data": before.data.model_copy(update={"sources": ("x",)})})
    )
    start = start_record(first.best)
    assert (start.sha256, start.sources, start.initial_weights) == (sha256(first.best), ("x",), "random")
    pretrained = load_recipe("efficientnet-b4")
    begin(second, pretrained, record(pretrained, table, start))
    assert second.record.sources == ["agedb", "utkface", "x"]
    # What it started from is older than what its own recipe would have started from.
    assert second.initial_weights == "random"
    assert start_record(second.best).sources == ("agedb", "utkface", "x")


def test_a_checkpoint_without_a_run_inherits_nothing_known(tmp_path: Path) -> None:
    (tmp_path / "some.ckpt").write_bytes(b"weights")
    start = start_record(tmp_path / "some.ckpt")
    assert (start.git_commit, start.initial_weights, start.sources) == ("unknown", "unknown", ())


def test_a_file_of_weights_is_what_a_run_started_from(table: Path, tmp_path: Path) -> None:
    for name, metadata in (("told", {"origin": "grown out of a net"}), ("untold", None)):
        path = tmp_path / f"{name}.safetensors"
        save_file({"a": torch.ones(1)}, path, metadata)
        recipe = load_recipe("embedded-labels", [f"network.weights={path}"])
        weights = weights_record(recipe)
        assert weights is not None
        assert weights.sha256 == sha256(path)
        run = RunFolder(tmp_path / name)
        begin(run, recipe, record_of(recipe, table, {"train": []}, None, Hardware(), weights=weights))
        file = f"file {name}.safetensors, SHA-256 {sha256(path)}"
        assert run.initial_weights == (f"grown out of a net ({file})" if metadata else file)
        assert start_record(run.best).initial_weights == run.initial_weights
        # The file may move, or go, before the run is resumed.
        run.check(load_recipe("embedded-labels", ["network.weights=elsewhere.pth"]), resume=True)
    assert weights_record(load_recipe("embedded-labels")) is None


def test_a_run_may_be_passed_on_without_the_folder_of_its_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "only.ckpt").touch()
    assert checkpoint_of(tmp_path) == tmp_path / "only.ckpt"
    assert RunFolder.of_checkpoint(tmp_path / "only.ckpt") == RunFolder(tmp_path)
    (tmp_path / "other.ckpt").touch()
    with pytest.raises(AgeLensError, match=r"it holds only\.ckpt, other\.ckpt: name one"):
        checkpoint_of(tmp_path)
    assert checkpoint_of(tmp_path / "other.ckpt") == tmp_path / "other.ckpt"
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.ckpt").touch()
    assert checkpoint_of(tmp_path) == tmp_path / "checkpoints" / "best.ckpt"


def test_a_run_may_be_moved(recipe: Recipe, table: Path, tmp_path: Path) -> None:
    begin(RunFolder(tmp_path / "here"), recipe, record(recipe, table))
    there = RunFolder(tmp_path / "far" / "there")
    shutil.move(tmp_path / "here", there.path)
    assert RunFolder.of_checkpoint(there.best) == there
    assert checkpoint_of(there.path) == there.best
    there.check(recipe, resume=True)


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(AgeLensError, match=r"has no run\.json"):
        _ = RunFolder(tmp_path).record
    (tmp_path / "run.json").write_text('{"data": {"path": 3}}')
    with pytest.raises(AgeLensError, match=r"run\.json is not valid: data\.path"):
        _ = RunFolder(tmp_path).record
    with pytest.raises(AgeLensError, match="nor a run's folder"):
        checkpoint_of(tmp_path)
    assert RunFolder(tmp_path).result is None


def test_a_run_begins_in_a_new_folder_and_resumes_in_its_own(
    recipe: Recipe, table: Path, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    run.check(recipe, resume=False)
    with pytest.raises(AgeLensError, match="to resume from"):
        run.check(recipe, resume=True)
    begin(run, recipe, record(recipe, table))
    with pytest.raises(AgeLensError, match="--resume, or name another folder"):
        run.check(recipe, resume=False)
    run.check(
        recipe.model_copy(update={"also": (table,), "teacher": table, "start_from": table}), resume=True
    )
    changed = load_recipe("embedded-labels", ["epochs=4", "optim.lr=1"])
    with pytest.raises(AgeLensError, match=r"another recipe \(epochs, optim differ\)"):
        run.check(changed, resume=True)


def test_a_resumed_run_has_the_files_it_began_with(recipe: Recipe, table: Path, tmp_path: Path) -> None:
    run, other, moved = RunFolder(tmp_path / "run"), tmp_path / "other.csv", tmp_path / "moved.csv"
    other.write_text("image,split,age\n")
    shutil.copy(table, moved)
    began = recipe.model_copy(update={"also": (table, other), "teacher": other})
    begin(run, began, record(began, table))
    again = began.model_copy(update={"also": (other, moved)})
    run.check_data(again, record(again, moved))
    for changes, source, option in (
        ({}, other, "--manifest"),
        ({"also": (table,)}, table, "--also"),
        ({"teacher": table}, table, "--teacher"),
        ({"teacher": None}, table, "--teacher"),
    ):
        now = began.model_copy(update=changes)
        with pytest.raises(AgeLensError, match=f"began with another {option}"):
            run.check_data(now, record(now, source))
    start = began.model_copy(update={"start_from": run.best})
    with pytest.raises(AgeLensError, match="without --start-from"):
        run.check_data(start, record(start, table))


def test_earlier_stages_lie_inside_their_run(tmp_path: Path) -> None:
    recipe = load_recipe("embedded", ["epochs=40"])
    (first, earlier), (second, _), (third, _), (last, final) = RunFolder(tmp_path / "mine").stages(recipe)
    assert (first.path, first.name) == (tmp_path / "mine" / "stage-1", "mine-stage-1")
    assert (second.path.name, third.path.name) == ("stage-2", "stage-3")
    assert (last.path, last.name) == (tmp_path / "mine", "mine")
    assert (earlier.epochs, final) == (30, recipe)


def test_dropped_images_and_figures_are_written(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert (
        run.write_dropped([Problem("row 4", "no, picture")]).read_text()
        == 'row,problem\nrow 4,"no, picture"\n'
    )
    run.write_result({"val/mae": 4.5})
    assert run.result == {"val/mae": 4.5}


@pytest.mark.parametrize(
    ("name", "score", "initial"), [("flagship", 0.8715, "unknown"), ("embedded", 0.8547, "random")]
)
def test_runs_written_before_are_still_read(name: str, score: float, initial: str) -> None:
    run = RunFolder(SHARED / name)
    if not run.record_file.exists():
        pytest.skip(f"no {run.record_file}")
    assert run.record.sources == ["aaf", "appa", "lfw", "scut", "utk"]
    assert run.record.images == {"train": 42865, "val": 1138, "test": 0}
    assert run.result is not None
    assert run.result["val/score"] == pytest.approx(score, abs=1e-4)
    assert run.initial_weights == initial
    # A record is written as it was read; what was not recorded then is left open, and there were both heads.
    read, written = json.loads(run.record_file.read_text()), json.loads(run.record.model_dump_json())
    assert written.pop("heads") == ["age", "gender"]
    assert {**written, **read} == written
    assert [written[key] for key in written.keys() - read.keys()] == [None]
