"""Training as a person runs it: in a process of its own, killed, resumed, distributed, tracked."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from agelens.data.manifest import read_manifest
from agelens.data.pack import write_pack
from agelens.data.soft_labels import write_soft_labels
from agelens.errors import AgeLensError
from agelens.faces.images import open_image, resize_to_square
from agelens.files import sha256
from agelens.models.catalogue import resolve
from agelens.training.export import export_run
from agelens.training.fit import fit
from agelens.training.provenance import Hardware
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.run import RunFolder, start_record
from agelens.training.task import AgeGenderTask, _Measures

TINY = ["network.widths=[8, 16]", "network.depths=[1, 1]", "size=32", "batch_size=16", "precision=32-true"]
ROOT = Path(__file__).parents[2]
CPU = Hardware(accelerator="cpu", devices=1)


def command(manifest: Path, output: Path, *more: str, settings: list[str]) -> list[str]:
    options = [text for setting in settings for text in ("--set", setting)]
    base = [
        sys.executable,
        "-m",
        "agelens",
        "train",
        "--recipe",
        "embedded-labels",
        "--manifest",
        str(manifest),
    ]
    return [*base, "--output", str(output), "--accelerator", "cpu", *options, *more]


def test_a_tiny_network_learns_the_synthetic_faces_and_leaves_a_whole_run(
    synthetic: Path, tmp_path: Path
) -> None:
    settings = [
        *TINY,
        "epochs=12",
        "optim.lr=1e-2",
        "optim.ema_decay=0.8",
        "augment.erase=0",
        "augment.grey=0",
    ]
    settings += ["augment.hue=0", "augment.saturation=0", "augment.brightness=0", "augment.contrast=0"]
    recipe = load_recipe("embedded-labels", settings)
    figures = fit(recipe, synthetic, tmp_path / "run", hardware=CPU, test=True)
    assert figures["test/gender_accuracy"] > 0.95
    assert figures["test/mae"] < 12  # a constant answer errs by 25
    run = tmp_path / "run"
    assert load_recipe(str(run / "recipe.yaml")).epochs == 12
    about = json.loads((run / "run.json").read_text())
    assert about["images"] == {"train": 160, "val": 64, "test": 64}
    assert torch.__version__.startswith(about["versions"]["torch"])
    assert json.loads((run / "result.json").read_text()) == figures
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert "averaging_state" in checkpoint
    with (run / "curves.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert [row["epoch"] for row in curves] == [str(epoch) for epoch in range(1, 13)]
    best = max(curves, key=lambda row: float(row["val/score"]))
    assert float(best["val/mae"]) == pytest.approx(figures["val/mae"], abs=1e-3)
    with Image.open(run / "curves.png") as picture:
        assert picture.size == (1650, 540)
    with pytest.raises(AgeLensError, match="--resume"):
        fit(load_recipe("embedded-labels", settings), synthetic, run, hardware=CPU)


def test_every_epoch_can_be_resumed_from_though_none_was_better(synthetic: Path, tmp_path: Path) -> None:
    good = load_recipe("embedded-labels", [*TINY, "epochs=4", "optim.lr=5e-3"])
    fit(good, synthetic, tmp_path / "good", hardware=CPU)
    wrecking = load_recipe(
        "embedded-labels",
        [*TINY, "epochs=3", "optim.lr=1e-12", "optim.ema_decay=0", f"start_from={tmp_path / 'good'}"],
    )
    fit(wrecking, synthetic, tmp_path / "run", hardware=CPU)
    epochs = {
        name: torch.load(tmp_path / "run" / "checkpoints" / f"{name}.ckpt", weights_only=True)["epoch"]
        for name in ("best", "last")
    }
    assert epochs["best"] < epochs["last"] == 2


def test_training_ends_in_time_and_measures_test_only_when_asked(
    synthetic: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = _Measures.compute
    same = torch.tensor(0.5)  # no epoch is better than the first
    monkeypatch.setattr(_Measures, "compute", lambda self: {**measured(self), f"{self.prefix}score": same})
    recipe = load_recipe("embedded-labels", [*TINY, "epochs=9", "patience=2", "limit_train=32"])
    with caplog.at_level("INFO", logger="agelens"):
        figures = fit(recipe, synthetic, tmp_path / "run", hardware=CPU)
    assert {name.split("/")[0] for name in figures} == {"val"}
    (told,) = (text for text in caplog.messages if "ended after" in text)
    assert told == "ended after epoch 3 of 9: 2 epochs without a better score on 'val'"
    lines = (tmp_path / "run" / "curves.csv").read_text().splitlines()
    assert len(lines) == 4
    fit(recipe, synthetic, tmp_path / "run", resume=True, hardware=CPU)  # it has ended already
    assert (tmp_path / "run" / "curves.csv").read_text().splitlines() == lines
    lines = [line.replace(",test,", ",val,") for line in synthetic.read_text().splitlines()]
    (synthetic.parent / "no-test.csv").write_text("\n".join(lines))
    with pytest.raises(AgeLensError, match="no usable image in split 'test' to measure on"):
        fit(recipe, synthetic.parent / "no-test.csv", tmp_path / "other", hardware=CPU, test=True)


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(synthetic: Path, tmp_path: Path) -> None:
    settings = [*TINY, "epochs=30"]
    run = tmp_path / "run"
    process = subprocess.Popen(
        command(synthetic, run, settings=settings),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "epoch 2/30" in line:
            process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    told = "".join(said)
    assert re.search(r"agelens: stopped in epoch \d+ of 30; .* keeps the last whole epoch and the best", told)
    assert f"agelens train --manifest {synthetic} --output {run} --resume\n" in told
    assert f"agelens export {run} --output BUNDLE" in told
    assert "Traceback" not in told
    assert (run / "curves.png").is_file()
    assert (run / "checkpoints" / "last.ckpt").is_file()


def test_there_must_be_something_to_resume(synthetic: Path, tmp_path: Path) -> None:
    with pytest.raises(AgeLensError, match="to resume from"):
        fit(load_recipe("embedded-labels", TINY), synthetic, tmp_path / "none", resume=True, hardware=CPU)


@pytest.mark.slow
@pytest.mark.parametrize("same_command", [True, False])
def test_a_killed_run_resumes_to_the_figures_of_an_uninterrupted_one(
    same_command: bool, synthetic: Path, tmp_path: Path
) -> None:
    settings = [*TINY, "epochs=4", "optim.ema_decay=0.9", "network.dropout=0.3"]
    whole_run = command(synthetic, tmp_path / "whole", "--test", settings=settings)
    subprocess.run(whole_run, check=True, capture_output=True)
    # The same run, made slow enough by its loader to be killed in the middle of its third epoch.
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW_TRAIN, *command(synthetic, killed, settings=settings)[3:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "step 23" in line:  # 10 steps an epoch
            os.kill(process.pid, signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    assert torch.load(killed / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 1
    # The same command goes on, and so does one that leaves the recipe to the run's folder.
    again = command(synthetic, killed, "--resume", "--test", settings=settings)
    if not same_command:
        again = [*command(synthetic, killed, "--resume", "--test", settings=[])]
        del again[4:6]
    subprocess.run(again, check=True, capture_output=True)
    whole, resumed = (
        json.loads((tmp_path / name / "result.json").read_text()) for name in ("whole", "killed")
    )
    assert resumed == pytest.approx(whole, rel=1e-6)


_SLOW_TRAIN = """
import sys
from agelens.training.task import AgeGenderTask, _Measures
step = AgeGenderTask.training_step
def told(self, batch, index):
    print("step", self.global_step, file=sys.stderr, flush=True)
    return step(self, batch, index)
AgeGenderTask.training_step = told
sys.argv = ["agelens", *sys.argv[1:]]
from agelens.cli.main import main
main()
"""


@pytest.mark.slow
def test_two_processes_train_one_model(synthetic: Path, tmp_path: Path) -> None:
    settings = [*TINY, "epochs=2"]
    settings.append("earlier_stages=[{size: 24, epochs: 1}]")
    more = ["--devices", "2", "--strategy", "ddp"]
    done = subprocess.run(
        command(synthetic, tmp_path / "run", *more, settings=settings),
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("cpu × 2") == 2  # stages
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert 0 < result["val/mae"] < 60
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 2 * (160 // 2 // 16)


@pytest.mark.slow
def test_trackio_gives_the_figures_back_through_its_own_tools(synthetic: Path, tmp_path: Path) -> None:
    run = tmp_path / "tracked"
    done = subprocess.run(
        command(synthetic, run, "--test", settings=[*TINY, "epochs=3"]),
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads((run / "result.json").read_text())

    def trackio(*arguments: str) -> object:
        base = [sys.executable, "-m", "trackio.cli"]
        done = subprocess.run([*base, *arguments, "--json"], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def history(metric: str) -> list[dict[str, float]]:
        found = trackio("get", "metric", "--project", "agelens", "--run", "tracked", "--metric", metric)
        return found["values"] if isinstance(found, dict) else found  # type: ignore[return-value]

    assert len(history("val/score")) == 3
    losses = [row["value"] for row in history("train/loss")]
    told = re.findall(r"epoch \d/3  train/loss (\S+) ", done.stderr)
    assert told == [f"{loss:.4f}" for loss in losses]  # an epoch's line tells its own loss
    assert len(losses) == 3
    rates = [row["value"] for row in history("lr")]
    assert rates == sorted(rates, reverse=True)
    assert history("final/test/mae")[0]["value"] == pytest.approx(figures["test/mae"])
    configuration = json.dumps(trackio("get", "run", "--project", "agelens", "--run", "tracked"))
    assert "git_commit" in configuration
    assert "ema_decay" in configuration


def test_a_student_learns_from_hints_and_leaves_them_behind(synthetic: Path, tmp_path: Path) -> None:
    table = read_manifest(synthetic)
    paths = [table.path(sample) for sample in table.samples]
    genders = np.array([sample.gender.position for sample in table.samples if sample.gender])
    hints = np.where(genders[:, None] == 1, 1.0, -1.0) * np.ones((1, 4))
    write_soft_labels(
        tmp_path / "t.npz", paths, np.full((len(paths), 101), 1 / 101), np.eye(2)[genders], hints
    )
    settings = [*TINY, "epochs=3", "optim.lr=1e-2", "loss.teacher=0.1", "loss.hint=1.0"]
    settings.append(f"teacher={tmp_path / 't.npz'}")
    fit(load_recipe("embedded-labels", settings), synthetic, tmp_path / "run", hardware=CPU)
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert len(about["data"]["teacher"]) == 64
    checkpoint = tmp_path / "run" / "checkpoints" / "best.ckpt"
    task = AgeGenderTask.load_from_checkpoint(checkpoint, weights_only=True, map_location="cpu").eval()
    assert task.hint is not None
    faces = np.stack([resize_to_square(open_image(path).pixels, 32) for path in paths])
    images = torch.from_numpy(faces).permute(0, 3, 1, 2)
    with torch.inference_mode():
        told = task.hint(task.network.features(task._normalised(images))).numpy()
    assert np.square(told - hints).mean() < 0.5  # nothing learnt leaves 1
    exported = export_run(tmp_path / "run", tmp_path / "bundle", licence="none")
    assert exported.bundle.spec.training.taught == about["data"]["teacher"]
    outputs = onnxruntime.InferenceSession(str(exported.bundle.model)).get_outputs()
    assert [output.name for output in outputs] == ["age_logits", "gender_logits"]


def test_training_goes_on_from_an_earlier_runs_weights(synthetic: Path, tmp_path: Path) -> None:
    recipe = load_recipe("embedded-labels", [*TINY, "epochs=4", "optim.lr=5e-3"])
    first = fit(recipe, synthetic, tmp_path / "first", hardware=CPU)
    small_steps = [*TINY, "epochs=1", "optim.lr=1e-6", "optim.ema_decay=0", "seed=7"]
    tuned = load_recipe("embedded-labels", small_steps)

    def from_(start: Path, *more: str) -> Recipe:
        return load_recipe("embedded-labels", [*small_steps, f"start_from={start}", *more])

    fresh = fit(tuned, synthetic, tmp_path / "fresh", hardware=CPU)
    second = fit(from_(tmp_path / "first"), synthetic, tmp_path / "second", hardware=CPU)
    assert abs(second["val/mae"] - first["val/mae"]) < 0.5 < abs(fresh["val/mae"] - first["val/mae"])
    started = json.loads((tmp_path / "second" / "run.json").read_text())["started_from"]
    checkpoint = tmp_path / "first" / "checkpoints" / "best.ckpt"
    assert (started["path"], started["sha256"]) == (str(checkpoint), sha256(checkpoint))
    # What the weights have seen goes with them: the licence of the first data holds for the tuned network.
    assert (started["initial_weights"], started["sources"]) == ("random", ["synthetic"])
    about = json.loads((tmp_path / "second" / "run.json").read_text())
    about["data"]["sources"] = ["own"]
    (tmp_path / "second" / "run.json").write_text(json.dumps(about))
    tuned_bundle = export_run(tmp_path / "second", tmp_path / "bundle", licence="none").bundle
    assert tuned_bundle.spec.training.sources == ("own", "synthetic")
    assert tuned_bundle.spec.training.started_from.sha256 == sha256(checkpoint)
    # A third run, from the second, would still name what the first one saw.
    inherited = start_record(tmp_path / "second" / "checkpoints" / "best.ckpt")
    assert (inherited.initial_weights, inherited.sources) == ("random", ("own", "synthetic"))
    with pytest.raises(AgeLensError, match="nor a run's folder"):
        fit(from_(tmp_path), synthetic, tmp_path / "third", hardware=CPU)
    other = from_(tmp_path / "first", "network.widths=[8, 24]")
    with pytest.raises(AgeLensError, match=r"best\.ckpt does not hold the weights of .* same network"):
        fit(other, synthetic, tmp_path / "third", hardware=CPU)
    for content in (b"nonsense", b""):
        (tmp_path / "no.ckpt").write_bytes(content)
        with pytest.raises(AgeLensError, match=r"no\.ckpt does not hold the weights"):
            fit(from_(tmp_path / "no.ckpt"), synthetic, tmp_path / "third", hardware=CPU)
    assert not (tmp_path / "third").exists()
    with pytest.raises(AgeLensError, match="resume it without --start-from"):
        fit(
            recipe.model_copy(update={"start_from": str(checkpoint)}),
            synthetic,
            tmp_path / "first",
            resume=True,
            hardware=CPU,
        )
    fit(from_(checkpoint), synthetic, tmp_path / "second", resume=True, hardware=CPU)
    assert json.loads((tmp_path / "second" / "run.json").read_text())["started_from"] == started


def test_a_network_starts_from_a_files_weights_and_says_so(synthetic: Path, tmp_path: Path) -> None:
    begun = AgeGenderTask(load_recipe("embedded-labels", TINY).model_dump(mode="json"))
    file = tmp_path / "w.safetensors"
    state = {name: value.contiguous() for name, value in begun.network.state_dict().items()}
    save_file(state, file, {"origin": "a network of tests"})
    # Steps of a millionth leave the weights where they were.
    still = [
        "epochs=2",
        "optim.lr=1e-6",
        "optim.weight_decay=0",
        "optim.ema_decay=0",
        f"network.weights={file}",
    ]
    recipe = load_recipe("embedded-labels", [*TINY, *still])
    fit(recipe, synthetic, tmp_path / "run", hardware=CPU)
    run = RunFolder(tmp_path / "run")
    learnt = AgeGenderTask.of_checkpoint(run.best).network.state_dict()
    for name, value in begun.network.named_parameters():
        torch.testing.assert_close(learnt[name], value, rtol=0, atol=1e-4)
    told = f"a network of tests (file w.safetensors, SHA-256 {sha256(file)})"
    assert run.initial_weights == told
    exported = export_run(run.path, tmp_path / "bundle", licence="none").bundle
    assert exported.spec.training.initial_weights == told
    # A resumed run has its weights; the file may be gone.
    file.unlink()
    fit(recipe, synthetic, run.path, resume=True, hardware=CPU)
    assert run.initial_weights == told
    with pytest.raises(AgeLensError, match=r"no file .*w\.safetensors to take weights from"):
        fit(recipe, synthetic, tmp_path / "fresh", hardware=CPU)
    assert not (tmp_path / "fresh").exists()


@pytest.mark.skipif(not (ROOT / "models").is_dir(), reason="the models lie in a checkout alone")
def test_the_shipped_models_are_trained_on_from(synthetic: Path, tmp_path: Path) -> None:
    settings = [
        "epochs=1",
        "limit_train=32",
        "batch_size=16",
        "size=88",
        "optim.lr=1e-9",
        "precision=32-true",
    ]
    recipe = load_recipe("embedded-labels", [*settings, "optim.ema_decay=0", "start_from=embedded"])
    fit(recipe, synthetic, tmp_path / "run", hardware=CPU)
    run, shipped = RunFolder(tmp_path / "run"), resolve("embedded").spec.training
    began = run.record.started_from
    assert began is not None
    assert began.sha256 == sha256(ROOT / "models" / "weights" / "embedded.safetensors")
    assert began.sources == shipped.sources
    weights = load_file(ROOT / "models" / "weights" / "embedded.safetensors")
    learnt = AgeGenderTask.of_checkpoint(run.best).network.state_dict()
    for name, value in weights.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(learnt[name], value.float(), rtol=0, atol=1e-5)
    # Exported with weights, it is itself a model to train on from.
    exported = export_run(run.path, tmp_path / "bundle", licence="none", weights=True).bundle
    assert (exported.spec.name, set(exported.spec.training.sources)) == (
        "run",
        {*shipped.sources, "synthetic"},
    )
    again = recipe.model_copy(update={"start_from": str(exported.folder)})
    fit(again, synthetic, tmp_path / "again", hardware=CPU)
    started = RunFolder(tmp_path / "again").record.started_from
    assert started is not None
    assert started.sha256 == exported.spec.files["weights.safetensors"]
    plain = export_run(run.path, tmp_path / "plain", licence="none").bundle
    with pytest.raises(AgeLensError, match=r"has no weights\.safetensors to train on from: .* --weights"):
        fit(
            recipe.model_copy(update={"start_from": str(plain.folder)}),
            synthetic,
            tmp_path / "x",
            hardware=CPU,
        )


def test_a_run_is_resumed_with_the_data_it_began_with(synthetic: Path, tmp_path: Path) -> None:
    write_pack(read_manifest(synthetic), tmp_path / "pack", 32)
    recipe = load_recipe("embedded-labels", [*TINY, "epochs=1", f"also=[{tmp_path / 'pack'}]"])
    fit(recipe, synthetic, tmp_path / "run", hardware=CPU)

    def resume(**changes: object) -> None:
        fit(recipe.model_copy(update=changes), synthetic, tmp_path / "run", resume=True, hardware=CPU)

    with pytest.raises(AgeLensError, match="began with another --also"):
        resume(also=())
    with pytest.raises(AgeLensError, match=r"began with another recipe \(epochs, seed differ\)"):
        resume(epochs=2, seed=1)
    (tmp_path / "pack").rename(tmp_path / "moved")
    resume(also=(tmp_path / "moved",))
    assert RunFolder(tmp_path / "run").recipe.also == (tmp_path / "moved",)


def test_a_recipe_of_two_stages_trains_the_second_from_the_first(synthetic: Path, tmp_path: Path) -> None:
    stage = "{size: 24, epochs: 3, optim.lr: 1.0e-2, optim.ema_decay: 0.5}"
    settings = [*TINY, "epochs=1", "optim.lr=1e-6", "optim.ema_decay=0", f"earlier_stages=[{stage}]"]
    recipe = load_recipe("embedded-labels", settings)
    figures = fit(recipe, synthetic, tmp_path / "run", hardware=CPU)
    run = RunFolder(tmp_path / "run")
    first = RunFolder(tmp_path / "run" / "stage-1")
    assert (first.recipe.size, first.recipe.epochs, first.name) == (24, 3, "run-stage-1")
    assert run.record.started_from is not None
    assert run.record.started_from.sha256 == sha256(first.best)
    # Steps of a millionth learn nothing: what the second stage answers is what the first has learnt.
    assert first.result is not None
    assert figures["val/gender_accuracy"] == pytest.approx(first.result["val/gender_accuracy"], abs=0.1)
    assert export_run(run.path, tmp_path / "bundle", licence="none").bundle.spec.input.size == 32
    # Stopped between the stages, a resume does not train the first again.
    written = first.best.stat().st_mtime_ns
    shutil.rmtree(run.checkpoints)
    (run.path / "result.json").unlink()
    with pytest.raises(AgeLensError, match="stage-1 holds a run already"):
        fit(recipe, synthetic, tmp_path / "run", hardware=CPU)
    with pytest.raises(AgeLensError, match=r"another recipe \(earlier_stages differ\)"):
        fit(
            load_recipe("embedded-labels", [*settings, "earlier_stages=[{size: 24, epochs: 4}]"]),
            synthetic,
            tmp_path / "run",
            resume=True,
            hardware=CPU,
        )
    assert fit(recipe, synthetic, tmp_path / "run", resume=True, hardware=CPU) == figures
    assert first.best.stat().st_mtime_ns == written
