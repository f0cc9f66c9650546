from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.cli.train import _print
from agelens.errors import AgeLensError
from agelens.training.run import RunFolder

TINY = [
    "network.widths=[8, 16]",
    "network.depths=[1, 1]",
    "size=24",
    "batch_size=16",
    "epochs=1",
    "limit_train=16",
]


def train(manifest: Path, output: Path, *more: object, settings: tuple[str, ...] = ()) -> str:
    arguments = ["train", "--manifest", manifest, "--output", output, "--accelerator", "cpu", *more]
    for setting in settings:
        arguments += ["--set", setting]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_help_names_every_recipe_and_option() -> None:
    text = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"}).output
    for word in (
        "cnn-scratch",
        "embedded-labels",
        "--also",
        "--teacher",
        "--start-from",
        "--resume",
        "--space",
        "--test",
        "--logger",
    ):
        assert word in text


def test_the_options_for_files_are_keys_of_the_recipe(synthetic: Path, tmp_path: Path) -> None:
    quoted = tmp_path / "a table: 'of' #1.csv"
    quoted.write_text(synthetic.read_text())
    for picture in synthetic.parent.glob("*.png"):
        (tmp_path / picture.name).symlink_to(picture)
    options = ["--recipe", "embedded-labels", "--also", quoted]
    output = train(synthetic, tmp_path / "run", *options, settings=(*TINY, "also=[gone.csv]"))
    assert "competition score" in output
    run = RunFolder(tmp_path / "run")
    assert run.recipe.also == (quoted,)
    assert run.record.images["train"] == 320
    # A resume takes the recipe, its files included, from the run.
    assert "competition score" in train(synthetic, tmp_path / "run", "--resume")
    with pytest.raises(AgeLensError, match=r"another recipe \(seed differ\)"):
        train(synthetic, tmp_path / "run", "--resume", "--set", "seed=3")
    with pytest.raises(AgeLensError, match="name another folder"):
        train(synthetic, tmp_path / "run", *options, settings=tuple(TINY))
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == run.result


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "nonsense"], "no recipe 'nonsense'"),
        (["--set", "epochs"], "key=value"),
        (["--resume"], "to resume from"),
        (["--start-from", "nowhere"], "nor a run's folder"),
        (["--logger", "comet"], "no logger 'comet'"),
        (["--set", "optimzer.lr=1"], r"did you mean 'optim\.lr'"),
    ],
)
def test_what_is_wrong_is_said_before_any_work_begins(
    arguments: list[str], message: str, synthetic: Path, tmp_path: Path
) -> None:
    with pytest.raises(AgeLensError, match=message) as caught:
        train(synthetic, tmp_path / "run", *arguments)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_a_teacher_that_the_recipe_gives_no_weight_is_refused(synthetic: Path, tmp_path: Path) -> None:
    with pytest.raises(AgeLensError, match="nothing is learnt from"):
        train(
            synthetic, tmp_path / "run", "--recipe", "embedded-labels", "--teacher", tmp_path / "t.npz",
            settings=tuple(TINY),
        )  # fmt: skip


def test_the_best_epoch_is_printed_by_the_table_of_figures(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("score", "mae", "rmse", "gender_accuracy", "gender_macro_f1", "age_kl", "gender_ce")
    _print({f"{split}/{key}": 0.87654 for split in ("val", "test") for key in keys})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["the", "best", "epoch", "val", "test"]
    assert ["competition", "score", "0.877", "0.877"] in lines
    assert ["gender", "accuracy", "87.7%", "87.7%"] in lines
    assert ["age", "KL", "divergence,", "nats", "0.8765", "0.8765"] in lines
