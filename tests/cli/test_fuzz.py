"""A fuzz of the command line: whatever it is given, it ends in a sentence, and never in a traceback.

``AGELENS_FUZZ=20000 pytest tests/cli/test_fuzz.py`` tries so many command lines; without it, a few hundred.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.exceptions import ClickException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.data.manifest import write_manifest
from agelens.errors import AgeLensError
from agelens.inference.video import mp4_encoder
from agelens.labels import Gender, Sample

EXAMPLES = int(os.environ.get("AGELENS_FUZZ", "300"))


def write_tables(folder: Path) -> None:
    """Tables of every kind: good, foreign, damaged, empty, of odd encodings and columns."""
    good = "image,age,gender,split,group\nphotos/a.jpg,31,female,val,x\nphotos/b.png,7,male,train,y\n"
    texts: dict[str, bytes] = {
        "good": good.encode(),
        "bom": b"\xef\xbb\xbf" + good.encode(),
        "utf16": good.encode("utf-16"),
        "latin1": good.replace("x", "Zoë").encode("latin-1"),
        "semicolons": good.replace(",", ";").encode(),
        "crlf": good.replace("\n", "\r\n").encode(),
        "header-only": b"image,age,gender\n",
        "empty": b"",
        "blank-lines": b"\n\n\n",
        "no-image": b"picture,age\na.jpg,3\n",
        "own-columns": b'image,customer,note\nphotos/a.jpg,17,"two\nlines, and a comma"\n',
        "twice": b"image,image,age\nphotos/a.jpg,photos/b.png,3\n",
        "ragged": b"image,age,gender\nphotos/a.jpg\nphotos/b.png,3,male,val,more,and,more\n",
        "odd-values": b"image,age,gender,split\nphotos/a.jpg,-3,woman,dev\n,nan,,\nphotos/b.png,1e9,0,\n",
        "unclosed": b'image,age\n"photos/a.jpg,3\n',
        "nul": b"image,age\nphotos/a\x00.jpg,3\n",
        "huge-field": b"image,age\n" + b"a" * 200_000 + b",3\n",
        "formula": b"image,age\n=cmd|' /C calc'!A0,3\n",
    }
    for name, content in texts.items():
        (folder / f"{name}.csv").write_bytes(content)
    write_manifest(
        folder / "labelled.csv",
        [
            Sample(f"photos/{name}", age=age, gender=gender, split=split)
            for split in ("train", "val", "test", "calibration")
            for name, age, gender in (("a.jpg", 31.0, Gender.FEMALE), ("b.png", 7.0, Gender.MALE))
        ],
    )
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    photo = (folder / "photos" / "a.jpg").read_bytes()
    tables = {
        "good": {"image": ["photos/a.jpg", None], "age": [31.0, None]},
        "bytes": {"image": [{"bytes": photo, "path": "a.jpg"}, {"bytes": None, "path": "photos/a.jpg"}]},
        "ray": {"image": ["x", "y"], "bytes": [photo, b"nonsense"]},
        "binary": {"image": [photo, b"", None]},
        "numbers": {"image": [1, 2]},
        "nested": {"image": ["photos/a.jpg"], "note": [[{"a": 1}]]},
        "none": {"image": pa.array([], pa.string())},
        "no-image": {"picture": ["photos/a.jpg"]},
        "collides": {"image": ["photos/a.jpg"], "age": [3.0], "error": ["mine"], "face": [9]},
    }
    for name, content in tables.items():
        pq.write_table(pa.table(content), folder / f"{name}.parquet")
    (folder / "cut.parquet").write_bytes((folder / "good.parquet").read_bytes()[:60])
    (folder / "empty.parquet").touch()


def write_pictures(folder: Path, astronaut: Path) -> None:
    """Files and folders of every kind that may be given for pictures."""
    photos = folder / "photos"
    photos.mkdir()
    Image.open(astronaut).resize((96, 96)).save(photos / "a.jpg")
    Image.new("RGB", (40, 30), "grey").save(photos / "b.png")
    good = (photos / "a.jpg").read_bytes()
    for name in (
        "[1].jpg",
        "a b.jpg",
        "-rf.jpg",
        "*.jpg",
        "line\nbreak.jpg",
        "é.jpg",
        "~",
        "no-suffix",
        "x" * 240,
    ):
        (folder / name).write_bytes(good)
    (folder / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(good)
    (folder / "cut.jpg").write_bytes(good[: len(good) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("words")
    (folder / "random.jpg").write_bytes(random.Random(0).randbytes(4000))
    (folder / "huge.png").write_bytes(good[:2] + b"\x00" * 50)
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("a.jpg", good)
    (folder / "page.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "broken-link.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "link.jpg").symlink_to(photos / "a.jpg")
    (folder / "none").mkdir()
    (folder / "words").mkdir()
    (folder / "words" / "notes.txt").write_text("words")
    (folder / "loop").mkdir()
    (folder / "loop" / "again").symlink_to(folder / "loop")
    frames = io.BytesIO()
    pages = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    pages[0].save(frames, "GIF", save_all=True, append_images=pages[1:])
    (folder / "moving.gif").write_bytes(frames.getvalue())


def write_films(folder: Path) -> None:
    """Videos: whole, cut, without frames, empty, and what only calls itself one."""
    with mp4_encoder(folder / "film.avi", 5.0, (32, 24)) as append:
        for shade in range(8):
            append(np.full((24, 32, 3), 30 * shade, np.uint8))
    whole = (folder / "film.avi").read_bytes()
    (folder / "cut.avi").write_bytes(whole[: len(whole) // 2])
    (folder / "head.mkv").write_bytes(b"\x1aE\xdf\xa3" + bytes(40))
    (folder / "empty.mp4").touch()
    (folder / "called.mp4").write_text("words")
    with mp4_encoder(folder / "frameless.avi", 5.0, (32, 24)):
        pass
    shutil.copy(folder / "film.avi", folder / "film-called.jpg")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("zoo")
    write_pictures(folder, astronaut)
    write_tables(folder)
    write_films(folder)
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


#: Names within the zoo: what is there, and what is not.
NAMES = [
    "photos", "photos/a.jpg", "photos/b.png", "photos/*.jpg", "**/*.png", "*.none", "[1].jpg", "a b.jpg",
    "./-rf.jpg", "*.jpg", "line\nbreak.jpg", "é.jpg", "~", "~nobody/x.jpg", "no-suffix", "x" * 240,
    "x" * 300, os.fsdecode(b"\xff\xfe.jpg"), "cut.jpg", "empty.jpg", "text.jpg", "random.jpg", "huge.png",
    "archive.zip", "page.pdf", "drawing.svg", "broken-link.jpg", "loop.jpg", "link.jpg", "none", "words",
    "loop", "moving.gif", "film.avi", "cut.avi", "head.mkv", "empty.mp4", "called.mp4",
    "frameless.avi", "film-called.jpg", "gone.jpg", "gone/deeper/x.jpg", "photos/a.jpg/x.jpg", "", ".",
    "/dev/null", "-", "http://127.0.0.1:9/a.jpg", "s3://bucket/a.jpg", "good.csv", "bom.csv", "utf16.csv",
    "latin1.csv", "semicolons.csv", "crlf.csv", "header-only.csv", "empty.csv", "blank-lines.csv",
    "no-image.csv", "own-columns.csv", "twice.csv", "ragged.csv", "odd-values.csv", "unclosed.csv",
    "nul.csv", "huge-field.csv", "formula.csv", "labelled.csv", "gone.csv", "good.parquet", "bytes.parquet",
    "ray.parquet", "binary.parquet", "numbers.parquet", "nested.parquet", "none.parquet",
    "no-image.parquet", "collides.parquet", "cut.parquet", "empty.parquet", "gone.parquet",
]  # fmt: skip

OUTPUTS = [
    "{new}.json", "{new}.jsonl", "{new}.csv", "{new}.parquet", "{new}.JSON", "{new}.PARQUET", "{new}.xlsx",
    "{new}", "{new}/deep/er.json", "words", "photos/a.jpg/x.json", "/dev/null", "/dev/full", "/proc/x.json",
    "", ".", "x" * 300, "broken-link.jpg", "s3://bucket/x.parquet", os.fsdecode(b"\xff.json"),
    # What is there and may be read: the table or the picture of the same line among them.
    "photos", "photos/a.jpg", "photos/b.png", "link.jpg", "no-suffix", "film.avi", "good.csv",
    "own-columns.csv", "labelled.csv", "good.parquet", "bytes.parquet",
]  # fmt: skip

#: Options whose value is written; every other word of a line may name what is read.
WRITTEN = ("--output", "--fix", "--plot", "--report", "--annotate")

name, output = st.sampled_from(NAMES), st.sampled_from(OUTPUTS)
number = st.sampled_from(["0", "1", "-1", "0.5", "0.9", "0.99", "18", "101", "1e9", "nan", "inf", "", "many"])
#: Half of a surrogate pair cannot be typed; a byte that is no UTF-8 can (``NAMES``).
typed = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
word = st.one_of(name, number, st.text(typed, max_size=12))


def option(flag: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """The flag with a value, or nothing: mostly nothing."""
    return st.one_of(st.just([]), st.just([]), values.map(lambda value: [flag, value]))


def choice(*names: str) -> st.SearchStrategy[str]:
    """One of these names, rarely another word."""
    return st.one_of(*[st.just(one) for one in names], word)


def line(*parts: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    return st.tuples(*parts).map(lambda found: [each for part in found for each in part])


def words(*fixed: str) -> st.SearchStrategy[list[str]]:
    return st.just(list(fixed))


some_names = st.lists(name, min_size=1, max_size=3)
one_name = name.map(lambda one: [one])
answers = [
    option("--level", number), option("--at-least", number), option("--min-quality", number),
    option("--point", choice("mean", "median")), st.sampled_from([[], ["--flip"]]),
]  # fmt: skip
to_output, codes = option("--output", output), option("--gender-code", choice("0=male,1=female"))
model, manifest = option("--model", choice("embedded")), one_name.map(lambda one: ["--manifest", *one])
model_name = choice("embedded").map(lambda one: [one])
COMMANDS = st.one_of(
    line(
        words("predict", "--detector", "whole"), some_names, to_output, model, *answers,
        option("--format", choice("table", "json", "jsonl", "csv")), option("--annotate", output),
        option("--threads", number), option("--runtime", choice("onnxruntime")),
    ),
    line(
        words("evaluate", "--detector", "whole"), st.one_of(manifest, one_name), model, to_output,
        option("--split", choice("val", "test", "train")), option("--report", output),
    ),
    line(
        words("calibrate", "--detector", "whole"), manifest, to_output,
        option("--split", choice("val", "calibration")),
    ),
    # Without an output it deals the manifest itself, as it says: that is no harm.
    line(
        words("data", "split"), one_name, output.map(lambda one: ["--output", one]),
        option("--ratio", choice("train=0.5,val=0.5")),
    ),
    line(
        words("data", "audit"), one_name, option("--fix", output), to_output, option("--plot", output),
    ),
    line(words("models", "statement"), model_name, to_output),
    line(words("data", "pack"), one_name, to_output, option("--size", number)),
    line(
        words("data", "import"), choice("folder", "utkface", "fairface", "csv").map(lambda one: [one]),
        one_name, to_output, codes,
    ),
    line(words("submit"), one_name, to_output, codes),
    line(words("models"), st.sampled_from([[], ["embedded"], ["photos"]])),
    line(words("export"), one_name, to_output),
    line(words("space"), to_output, option("--model", name)),
    line(st.lists(word, max_size=4)),
)  # fmt: skip


def fresh(text: str, folder: Path, count: list[int]) -> str:
    count[0] += 1
    return text.replace("{new}", str(folder / f"out-{count[0]}"))


def is_picture(path: Path) -> bool:
    return path.suffix not in (".csv", ".parquet")


def read_by(arguments: list[str], zoo: Path) -> set[Path]:
    """The files that a line's words name, but for those after an option that writes."""
    before = ["", *arguments]
    read = [word for word, flag in zip(arguments, before, strict=False) if flag not in WRITTEN]
    if arguments[:2] == ["data", "split"] and "--output" not in arguments:
        return set()  # it deals the manifest itself, as it says
    return {zoo / word for word in read if word and len(word) < 200 and "\0" not in word}


@pytest.fixture(scope="module")
def run(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], None]:
    folder, count, runner = tmp_path_factory.mktemp("outputs"), [0], CliRunner()
    photo = (zoo / "photos" / "a.jpg").read_bytes()
    inputs = {path: path.read_bytes() for path in sorted(zoo.rglob("*")) if path.is_file()}

    def one(arguments: list[str]) -> None:
        arguments = [fresh(argument, folder, count) for argument in arguments]
        done = runner.invoke(app, arguments, input=photo)
        if done.exception is not None and not isinstance(done.exception, AgeLensError | SystemExit | OSError):
            raise AssertionError(f"agelens {arguments}") from done.exception
        if isinstance(done.exception, AgeLensError | ClickException | OSError):
            assert str(done.exception).strip(), arguments  # ``main`` says it
        elif done.exit_code:
            assert done.output.strip(), arguments
        else:
            assert done.output.strip() or "--output" in arguments, f"said nothing: {arguments}"
        changed = [path for path, held in inputs.items() if not path.is_file() or path.read_bytes() != held]
        for path in changed:  # a table of an earlier run may be replaced, for the next line to read as it was
            path.unlink(missing_ok=True)
            path.write_bytes(inputs[path])
        harmed = [path for path in changed if is_picture(path) or path in read_by(arguments, zoo)]
        assert not harmed, f"{arguments} changed {harmed}"

    return one


@pytest.mark.filterwarnings("ignore")
def test_no_command_line_ends_in_a_traceback(run: Callable[[list[str]], None]) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize="AGELENS_FUZZ" not in os.environ, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    @given(COMMANDS)
    def holds(arguments: list[str]) -> None:
        run(arguments)

    holds()
