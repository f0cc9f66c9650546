"""``agelens predict`` as a person meets it: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

import agelens
from agelens.cli.main import app
from agelens.errors import AgeLensError
from agelens.inference.options import AnswerOptions
from agelens.inference.video import Video, mp4_encoder
from agelens.models.bundle import Bundle


def predict(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, ["predict", *map(str, arguments)])


def table(text: str) -> str:
    """A table's words, however wide it was."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    """A folder with two good images and three bad ones."""
    folder = tmp_path_factory.mktemp("mixed")
    shutil.copy(astronaut, folder / "good.jpg")
    Image.new("RGB", (64, 64), "grey").save(folder / "faceless.png")
    (folder / "text.jpg").write_text("I am no picture")
    (folder / "empty.jpg").touch()
    (folder / "cut.jpg").write_bytes(astronaut.read_bytes()[:9000])
    return folder


def test_json_gives_one_entry_an_image_names_the_bad_ones_and_exits_1(mixed: Path) -> None:
    done = predict(mixed, "--detector", "haar", "--format", "json")
    assert done.exit_code == 1
    entries = {Path(entry["image"]).name: entry for entry in json.loads(done.stdout)}
    assert len(entries) == 5
    assert [name for name, entry in sorted(entries.items()) if entry["error"]] == [
        "cut.jpg",
        "empty.jpg",
        "text.jpg",
    ]
    assert entries["faceless.png"]["faces"] == []
    (face,) = entries["good.jpg"]["faces"]
    assert set(face) == {
        "box", "detection", "turn", "quality", "refused", "age", "age_interval", "interval_level", "gender",
        "gender_probability",
    }  # fmt: skip
    assert (entries["good.jpg"]["width"], entries["good.jpg"]["height"]) == (512, 512)
    for name in ("cut.jpg", "empty.jpg", "text.jpg"):
        assert name in done.stderr
    assert "3 of 5 images" in done.stderr


def test_jsonl_and_csv_hold_the_same(mixed: Path, tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.csv", "a.json"):
        done = predict(mixed, "--detector", "haar", "--output", tmp_path / name)
        assert (done.exit_code, done.stdout) == (1, "")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert lines == json.loads((tmp_path / "a.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert len(rows) == 5
    good = next(row for row in rows if row["image"].endswith("good.jpg"))
    expected = next(entry for entry in lines if entry["image"].endswith("good.jpg"))["faces"][0]
    assert float(good["age"]) == expected["age"]
    assert [float(good["age_low"]), float(good["age_high"])] == expected["age_interval"]


def test_the_table_shows_every_image_and_exits_0_when_all_are_read(astronaut: Path, mixed: Path) -> None:
    done = predict(astronaut, mixed / "faceless.png", "--detector", "haar", "--level", "0.8")
    assert done.exit_code == 0
    assert "80% interval" in done.stdout
    assert "no face found" in done.stdout
    assert "female" in done.stdout


def test_annotated_copies_keep_their_names_and_do_not_overwrite_each_other(
    astronaut: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shutil.copy(astronaut, tmp_path / name / "a.jpg")
    done = predict(tmp_path / "one", tmp_path / "two", "--detector", "haar", "--annotate", tmp_path / "out")
    assert done.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-2.jpg", "a.jpg"]


def test_a_missing_image_is_a_failed_input(tmp_path: Path) -> None:
    done = predict(tmp_path / "gone.jpg", "--detector", "haar")
    assert done.exit_code == 1
    assert "no such file" in done.stderr


def test_the_probability_of_an_age_or_more_is_answered_in_every_format(astronaut: Path) -> None:
    options = (astronaut, "--detector", "haar", "--at-least", 18)
    (answer,) = json.loads(predict(*options, "--format", "json").stdout)
    face = answer["faces"][0]
    assert face["at_least"] == 18
    assert 0.9 < face["at_least_probability"] <= 1
    (row,) = csv.DictReader(io.StringIO(predict(*options, "--format", "csv").stdout))
    assert float(row["at_least_probability"]) == face["at_least_probability"]
    assert "18 or older" in predict(*options).stdout


def test_a_tables_own_columns_are_carried_through(mixed: Path, tmp_path: Path) -> None:
    good, gone = mixed / "good.jpg", mixed / "gone.jpg"
    table = tmp_path / "t.csv"
    table.write_bytes(f"image;age;customer\r\n{good};old;Ä\r\n{gone};;Ö\r\n".encode("utf-8-sig"))
    told = predict(table, "--detector", "haar", "--format", "json")
    assert told.exit_code == 1
    assert [one["row"] for one in json.loads(told.stdout)] == [
        {"age": "old", "customer": "Ä"},
        {"age": "", "customer": "Ö"},
    ]
    first, second = csv.DictReader(io.StringIO(predict(table, "--detector", "haar", "-f", "csv").stdout))
    assert (first["row_age"], first["customer"], second["customer"]) == ("old", "Ä", "Ö")
    assert float(first["age"]) > 20
    predict(table, "--detector", "haar", "-o", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["customer"].to_pylist() == ["Ä", "Ö"]
    assert "good.jpg" in predict(table, "--detector", "haar").stdout


def test_images_in_a_parquet_table_are_answered_like_files(mixed: Path, tmp_path: Path) -> None:
    files = [path.read_bytes() for path in (mixed / "good.jpg", mixed / "text.jpg")]
    table = tmp_path / "t.parquet"
    held = [{"bytes": one, "path": None} for one in files]
    pq.write_table(pa.table({"image": [*held, {"bytes": None, "path": "a.jpg"}], "id": [7, 8, 9]}), table)
    done = predict(table, "--detector", "haar", "-f", "jsonl", "--annotate", tmp_path / "drawn")
    good, text, gone = map(json.loads, done.stdout.splitlines())
    (whole,) = json.loads(predict(mixed / "good.jpg", "--detector", "haar", "-f", "json").stdout)
    assert good == whole | {"image": f"{table}#1", "row": {"id": 7}}
    assert text["error"].startswith(f"{table}#2: is not an image")
    assert gone["error"] == "a.jpg: no such file"
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["t.parquet#1.png"]
    table.write_bytes(table.read_bytes()[:-9])
    with pytest.raises(AgeLensError, match="damaged or cut short"):
        raise predict(table, "--detector", "haar").exception


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.jpg", "--address", "ray://head:1"], "--address needs --engine ray"),
        (["x.jpg", "--engine", "ray"], "--engine ray writes one Parquet table"),
        (["x.jpg", "-o", "x.parquet", "--engine", "ray", "--threads", "2"], "no --threads"),
        (["x.jpg", "-o", "x.parquet", "--format", "csv"], "has no --format"),
        (["x.jpg", "-o", "x.parquet", "--annotate", "d"], "no --annotate"),
        (["x.jpg", "--detector", "haar", "--yunet", "y.onnx"], "--yunet needs --detector yunet or auto"),
        (["x.jpg", "--detector", "yunet", "--yunet", "gone.onnx"], "gone.onnx"),
        (["x.mp4", "--format", "csv"], "a video's answers are JSON lines"),
        (["x.mp4", "-o", "x.parquet"], "its --output is a .jsonl file"),
        (["x.mp4", "y.jpg"], "is read alone"),
        (["x.mp4"], "x.mp4: no such file"),
        (["{empty}"], "holds no images"),
    ],
)
def test_wrong_use_is_a_sentence_before_any_work(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    error = predict(*(text.format(empty=tmp_path) for text in arguments)).exception
    assert isinstance(error, AgeLensError)
    assert sentence in str(error)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--level", "1.5"], "0.99"),
        (["--at-least", "101"], "100"),
        (["--min-quality", "2"], "min-quality"),
        (["--point", "mode"], "median"),
        (["--detector", "retina"], "retina"),
    ],
)
def test_a_value_out_of_range_names_the_range(arguments: list[str], message: str) -> None:
    done = predict("x.jpg", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_the_readmes_example(astronaut: Path) -> None:
    done = predict(astronaut, "--detector", "haar")
    assert done.stdout.splitlines() == [
        "image           age  90% interval  gender  sure  face at (x, y)",
        "astronaut.jpg  32.4       17 – 49  female   95%         173, 63",
    ]


def test_several_faces_are_numbered_as_they_are_drawn(
    astronaut: Path, yunet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    with Image.open(astronaut) as image:
        pair = Image.new("RGB", (1024, 512))
        pair.paste(image, (0, 0))
        pair.paste(image, (512, 0))
    pair.save(tmp_path / "pair.png")
    done = predict(tmp_path / "pair.png", "--detector", "yunet")
    head, one, other = (line.split() for line in done.stdout.splitlines())
    assert head[:3] == ["image", "face", "age"]
    assert (one[:2], other[0]) == (["pair.png", "1"], "2")


def test_refused_faces_are_counted_and_keep_their_line(astronaut: Path) -> None:
    done = predict(astronaut, "--detector", "haar", "--min-quality", "1", "--at-least", "18")
    assert done.exit_code == 0
    (face,) = agelens.load("embedded", "haar").predict(astronaut)
    assert f"refused: quality {face.quality:.2f}" in table(done.stdout)
    assert "1 faces are below quality 1 and were refused" in done.stderr


def test_every_option_of_an_answer_reaches_the_predictor(astronaut: Path) -> None:
    options = AnswerOptions(level=0.7, at_least=40, min_quality=0.1, point="median", flip=True)
    (expected,) = agelens.load("embedded", "haar").predict(astronaut, options)
    done = predict(
        astronaut, "--detector", "haar", "--format", "json", "--level", "0.7", "--at-least", "40",
        "--min-quality", "0.1", "--point", "median", "--flip",
    )  # fmt: skip
    assert json.loads(done.stdout)[0]["faces"] == [expected.to_dict()]


@pytest.fixture(scope="module")
def clip(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of the astronaut drifting to the right."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = cv2.cvtColor(cv2.imread(str(astronaut)), cv2.COLOR_BGR2RGB)
    with mp4_encoder(path, 10.0, (512, 512)) as append:
        for number in range(5):
            append(np.roll(picture, 6 * number, axis=1))
    return path


def test_a_video_gives_lines_a_table_and_the_drawn_video(clip: Path, tmp_path: Path) -> None:
    done = predict(
        clip, "--detector", "haar", "--at-least", "18", "-o", tmp_path / "faces.jsonl", "--annotate",
        tmp_path / "drawn",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "90% interval" in table(done.stdout)
    assert "0.0–0.4 s" in done.stdout
    lines = [json.loads(line) for line in (tmp_path / "faces.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(5))
    assert lines[3]["faces"][0]["track"] == 1
    assert lines[3]["faces"][0]["at_least"] == 18
    assert list((tmp_path / "drawn").iterdir()) == [tmp_path / "drawn" / "clip.mp4"]
    drawn = Video(str(tmp_path / "drawn" / "clip.mp4"))
    assert (drawn.frames, drawn.size) == (5, (512, 512))


def test_a_videos_lines_go_to_stdout_alone_where_they_are_asked_for(clip: Path) -> None:
    done = predict(clip, "--detector", "haar", "--format", "jsonl")
    assert [json.loads(line)["seconds"] for line in done.stdout.splitlines()] == [0, 0.1, 0.2, 0.3, 0.4]


def test_faces_of_a_video_are_refused_by_quality_too(clip: Path, tmp_path: Path) -> None:
    files = ["-o", tmp_path / "f.jsonl", "--annotate", tmp_path / "drawn"]
    done = predict(clip, "--detector", "haar", "--min-quality", "1", *files)
    _, frame = cv2.VideoCapture(str(tmp_path / "drawn" / "clip.mp4")).read()
    label = frame[:120, 150:300].astype(int)  # about the face, above the orange suit
    orange = np.abs(label - (0, 159, 230)).max(axis=2) < 40  # BGR; an answer's label has a thousand
    assert orange.sum() < 100
    assert "refused: quality" in table(done.stdout)
    first = json.loads((tmp_path / "f.jsonl").read_text().splitlines()[0])["faces"][0]
    assert first["age"] is None
    assert first["refused"].endswith("is below 1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{photo}", "-f", "json", "-o", "{photo}"], "would be replaced"),
        (["{photo}", "--annotate", "{folder}"], "drawn over"),
        (["{photo}", "-o", "{folder}/answers.xlsx"], "name a --format"),
        (["{photo}", "-o", "{folder}"], "is a folder"),
    ],
)
def test_nothing_of_the_users_is_replaced(
    arguments: list[str], sentence: str, astronaut: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    shutil.copy(astronaut, photo)
    done = predict(*(one.format(photo=photo, folder=tmp_path) for one in arguments))
    assert isinstance(done.exception, AgeLensError)
    assert sentence in str(done.exception)
    assert photo.read_bytes() == astronaut.read_bytes()
    assert list(tmp_path.iterdir()) == [photo]


def test_absolute_and_relative_paths_stand_in_one_table(
    astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(astronaut, tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)
    shown = predict("a.jpg", tmp_path / "a.jpg").stdout
    assert shown.count("a.jpg ") == 2


def test_a_suffix_counts_in_any_case(astronaut: Path, tmp_path: Path) -> None:
    predict(astronaut, "-o", tmp_path / "A.JSON")
    assert json.loads((tmp_path / "A.JSON").read_text())[0]["error"] is None


def test_a_picture_is_read_from_standard_input(astronaut: Path) -> None:
    runner = CliRunner()
    arguments = ["predict", "-", "--detector", "haar", "--format", "json"]
    done = runner.invoke(app, arguments, input=astronaut.read_bytes())
    assert done.exit_code == 0, done.output
    (answer,) = json.loads(done.stdout)
    (named,) = json.loads(predict(astronaut, *arguments[2:]).stdout)
    assert answer["image"] == "standard input"
    assert answer["faces"] == named["faces"]
    nothing = runner.invoke(app, arguments, input=b"")
    assert nothing.exit_code == 1
    assert "no bytes" in nothing.stderr
    ray = runner.invoke(app, ["predict", "-", "--engine", "ray", "-o", "x.parquet"], input=b"")
    assert "cannot read standard input" in str(ray.exception)


def test_what_a_folder_holds_besides_images_is_said(mixed: Path, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(mixed / "faceless.png", folder)
    shutil.copy(clip, folder)
    (folder / "notes.txt").touch()
    for output in ("answers.json", "answers.parquet"):
        done = predict(folder, "--detector", "haar", "-o", tmp_path / output)
        assert done.exit_code == 0, done.output
        assert "no images: .txt (1)" in done.stderr
        assert "videos (1)" in done.stderr


def test_a_film_that_was_broken_off_keeps_its_answers_and_is_an_error(clip: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.avi"
    with mp4_encoder(whole, 10.0, (512, 512)) as append:
        for frame in [*Video(str(clip))] * 4:
            append(frame.pixels)
    cut, lines = tmp_path / "cut.avi", tmp_path / "faces.jsonl"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    done = predict(cut, "--detector", "haar", "-o", lines)
    assert done.exit_code == 1, done.output
    assert "broken off after frame" in done.stderr
    assert 5 < len(lines.read_text().splitlines()) < 15


def test_a_dash_and_an_empty_cell_stand_for_what_the_model_has_not_learnt(
    ages_alone: Bundle, genders_alone: Bundle, astronaut: Path
) -> None:
    options = (astronaut, "--detector", "haar", "--at-least", 18)
    for bundle, head in ((ages_alone, "gender"), (genders_alone, "age")):
        line = predict(*options, "--model", bundle.folder).stdout.splitlines()[-1].split()
        assert line.count("–") == 3  # an interval has one of its own
        (row,) = csv.DictReader(io.StringIO(predict(*options, "--model", bundle.folder, "-f", "csv").stdout))
        assert (row["gender"] == row["gender_probability"] == "") == (head == "gender")
        assert (row["age"] == row["age_low"] == row["at_least_probability"] == "") == (head == "age")
        (entry,) = json.loads(predict(*options, "--model", bundle.folder, "-f", "json").stdout)
        assert (entry["faces"][0]["gender"] is None) == (head == "gender")
        assert (entry["faces"][0]["age"] is None) == (head == "age")


def test_a_cut_file_is_read_if_leniency_is_asked_and_frames_are_said(astronaut: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(astronaut.read_bytes()[: int(0.9 * astronaut.stat().st_size)])
    with Image.open(astronaut) as image:
        image.save(tmp_path / "pages.tif", save_all=True, append_images=[image])
    options = ("--detector", "haar", "--format", "json")
    strict = predict(tmp_path, *options)
    assert strict.exit_code == 1
    assert "cut short" in strict.stderr
    assert "the option 'lenient'" in strict.stderr
    lenient = predict(tmp_path, *options, "--lenient", "--annotate", tmp_path / "drawn")
    assert lenient.exit_code == 0
    assert "1 file holds several frames or pages; its first was read" in lenient.stderr
    entries = {Path(entry["image"]).name: entry for entry in json.loads(lenient.stdout)}
    assert {name: entry["frames"] for name, entry in entries.items()} == {"cut.jpg": 1, "pages.tif": 2}
    assert all(len(entry["faces"]) == 1 for entry in entries.values())
    assert (tmp_path / "drawn" / "cut.jpg").exists()


def test_how_yunet_searches_can_be_chosen(astronaut: Path, yunet: Path, tmp_path: Path) -> None:
    from PIL import Image

    with Image.open(astronaut) as image:
        image.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "down.png")

    def turns(*arguments: str) -> list[int]:
        done = predict(tmp_path / "down.png", "--yunet", str(yunet), "--format", "json", *arguments)
        assert done.exit_code == 0, done.output
        return [face["turn"] for face in json.loads(done.stdout)[0]["faces"]]

    assert turns() == [180]
    assert turns("--detection-side", "400", "--tiles", "2") == [180]
    assert turns("--no-turns", "--detection-side", "128") == []
    done = predict(astronaut, "--detector", "haar", "--tiles", "2")
    assert "--detector yunet or auto" in str(done.exception)
