"""No output of any command replaces an input, a picture, or a table that is not the program's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agelens.cli.main import app


@pytest.fixture
def folder(tmp_path: Path, astronaut: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(astronaut, tmp_path / "a.jpg")
    (tmp_path / "faces.csv").write_text("image,age,gender,split\na.jpg,31,female,test\n")
    (tmp_path / "own.csv").write_text("name,note\na.jpg,mine\n")
    (tmp_path / "test.csv").write_text("id,full_path\n1,a.jpg\n")
    (tmp_path / "link.csv").symlink_to("faces.csv")
    shutil.copy(astronaut, tmp_path / "portrait")
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"image": ["a.jpg"]}), tmp_path / "faces.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("data import folder faces.csv -o faces.csv", "faces.csv is an input"),
        ("data import folder faces.csv -o link.csv", "link.csv is an input"),
        ("data import folder faces.csv -o own.csv", "own.csv is no manifest"),
        ("data import folder faces.csv -o a.jpg", "written as .csv or .parquet"),
        ("data split faces.csv -o own.csv", "own.csv is no manifest"),
        ("data split faces.csv -o a.jpg", "written as .csv or .parquet"),
        ("data audit faces.csv -o faces.csv", "written as .json"),
        ("data audit faces.csv --fix faces.csv", "faces.csv is an input"),
        ("data audit faces.csv --fix own.csv", "own.csv is no manifest"),
        ("data audit faces.csv --plot a.jpg", "written as .png or .svg"),
        ("evaluate --manifest faces.csv -o a.jpg", "written as .json"),
        ("evaluate --manifest faces.csv --predictions faces.csv", "faces.csv is an input"),
        ("evaluate --manifest faces.csv --predictions link.csv", "link.csv is an input"),
        ("models statement -o own.csv", "written as .md or .txt"),
        ("predict a.jpg -o s3://bucket/x.parquet", "s3://bucket/x.parquet is an address"),
        ("predict a.jpg -o gs://bucket/x.json", "gs://bucket/x.json is an address"),
        ("predict a.jpg --annotate s3://bucket/drawn", "s3://bucket/drawn is an address"),
        ("evaluate --manifest faces.csv -o s3://bucket/x.json", "s3://bucket/x.json is an address"),
        ("evaluate --manifest faces.csv --report s3://bucket/x", "s3://bucket/x is an address"),
        ("data pack faces.csv --size 32 -o s3://bucket/x", "s3://bucket/x is an address"),
        ("train --manifest faces.csv -o s3://bucket/x", "s3://bucket/x is an address"),
        ("space s3://bucket/x", "s3://bucket/x is an address"),
        ("predict a.jpg -o portrait", "portrait is a picture or a video, and would be replaced"),
        ("predict faces.parquet --engine ray -o faces.parquet", "--output faces.parquet is an input"),
        ("predict faces.parquet --engine ray -o file://{here}/faces.parquet", "faces.parquet is an input"),
        ("submit --data . -o a.jpg", "written as .csv"),
        ("submit --data . -o test.csv", "test.csv is an input"),
        ("submit --model kaggle://a/b/onnx/c --notebook a.jpg", "written as .ipynb"),
    ],
)
def test_an_output_that_would_harm_is_refused(folder: Path, line: str, why: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = CliRunner().invoke(app, line.format(here=folder).split())
    assert why in str(done.exception)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_picture_under_the_name_of_a_plot_stays(folder: Path) -> None:
    shutil.copy(folder / "a.jpg", folder / "b.png")
    (folder / "faces.csv").write_text("image,age\nb.png,31\n")
    done = CliRunner().invoke(app, ["data", "audit", "faces.csv", "--plot", "b.png"])
    assert "b.png is no plot" in str(done.exception)
    assert (folder / "b.png").read_bytes() == (folder / "a.jpg").read_bytes()


@pytest.mark.parametrize("name", ["plot.png", "plot.svg"])
def test_an_earlier_plot_is_replaced(folder: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    for _ in range(2):
        done = CliRunner().invoke(app, ["data", "audit", "faces.csv", "--plot", name])
        assert not done.exit_code, done.exception


def test_a_name_that_no_encoding_writes_is_printed_escaped(folder: Path) -> None:
    (folder / "faces.csv").write_text("image,age\na.jpg,31\n")
    name = os.fsdecode(b"clean-\xff.csv")
    done = CliRunner().invoke(app, ["data", "audit", "faces.csv", "--fix", name])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "clean-\\udcff.csv" in done.output
