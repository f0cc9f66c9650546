from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from agelens.inference.answers import Answer, Face
from agelens.inference.options import AnswerOptions
from agelens.inference.tracking import TrackedFace
from agelens.inference.video import FrameAnswer, Video
from agelens.inference.writers import (
    TEXT_WRITERS,
    Sink,
    csv_writer,
    json_lines_writer,
    json_writer,
    parquet_writer,
    picture_writer,
    video_writer,
    write_all,
)
from agelens.labels import Gender

FACE = Face(
    (10, 20, 60, 70), 0.9, 31.4, (24, 39.5), 0.9, Gender.FEMALE, 0.97, np.full(101, 1 / 101), quality=0.5
)
REFUSED = replace(FACE, refused="quality 0.50 is below 0.6")
ANSWERS = [
    Answer("é\u2028.jpg", 99, 99, (FACE, REFUSED)),
    Answer("none.jpg", 99, 99),
    Answer("gone.jpg", error="gone.jpg: no such file"),
]
PAIRS = [("", answer) for answer in ANSWERS]


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
def test_nothing_appears_until_the_end_and_nothing_after_an_error(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"out.{format}"
    path.write_text("before")

    def broken() -> Iterator[tuple[str, Answer]]:
        yield PAIRS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_all(broken(), [TEXT_WRITERS[format](path, AnswerOptions(), {})])
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "before"
    with TEXT_WRITERS[format](path, AnswerOptions(), {}) as add:
        add(ANSWERS[0], "")
        assert path.read_text() == "before"
    assert "24" in path.read_text()


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
def test_standard_output_has_each_answer_as_it_comes(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    with TEXT_WRITERS[format](None, AnswerOptions(), {}) as add:
        for answer in ANSWERS:
            add(answer, "")
            assert answer.image in capsys.readouterr().out


def test_a_file_of_json_lines_is_written_line_by_line(tmp_path: Path) -> None:
    with json_lines_writer(tmp_path / "out.jsonl") as add:
        for number, answer in enumerate(ANSWERS, start=1):
            add(answer, "")
            (unfinished,) = tmp_path.iterdir()
            lines = unfinished.read_text(encoding="utf-8").removesuffix("\n").split("\n")
            assert [json.loads(line) for line in lines] == [one.to_dict() for one in ANSWERS[:number]]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_list_indented_by_two(count: int, tmp_path: Path) -> None:
    write_all(PAIRS[:count], [json_writer(tmp_path / "out.json")])
    values = [answer.to_dict() for answer in ANSWERS[:count]]
    text = (tmp_path / "out.json").read_text(encoding="utf-8")
    assert text == json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def test_csv_has_a_row_a_face_and_one_for_each_image_without(tmp_path: Path) -> None:
    write_all(PAIRS, [csv_writer(tmp_path / "out.csv", AnswerOptions())])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert [row["image"] for row in rows] == ["é\u2028.jpg", "é\u2028.jpg", "none.jpg", "gone.jpg"]
    assert [row["age"] for row in rows] == ["31.4", "", "", ""]
    assert rows[3]["error"] == "gone.jpg: no such file"


def test_parquet_has_the_same_rows(tmp_path: Path) -> None:
    options = AnswerOptions(at_least=18)
    asked = Answer("a.jpg", 9, 9, (replace(FACE, at_least=18, at_least_probability=0.9),))
    writer = parquet_writer(tmp_path / "out.parquet", options, metadata=lambda: {b"images": b"abc"})
    write_all([*PAIRS, ("", asked)], [writer])
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.metadata == {b"images": b"abc"}
    assert table["refused"].to_pylist() == [None, REFUSED.refused, None, None, None]
    assert table["at_least"].to_pylist() == [None, None, None, None, 18]
    assert table["face"].to_pylist() == [1, 2, None, None, 1]


def test_own_columns_are_the_last_of_a_table(tmp_path: Path) -> None:
    day = datetime(2024, 2, 29, tzinfo=UTC)
    own = {"id": pa.int64(), "age": str, "day": pa.timestamp("us", "UTC"), "tags": pa.list_(pa.string())}
    rows = [{"id": 7, "age": 30, "day": day, "tags": ["a", "ä"]}, None]
    answers = [replace(answer, row=row) for answer, row in zip(ANSWERS, rows, strict=False)]
    writers = [
        csv_writer(tmp_path / "out.csv", AnswerOptions(), own),
        parquet_writer(tmp_path / "out.parquet", AnswerOptions(), own),
    ]
    write_all([("", answer) for answer in answers], writers)
    cells = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert list(cells[0])[-5:] == ["frames", "id", "row_age", "day", "tags"]
    assert list(cells[1].values())[-4:] == ["7", "30", "2024-02-29T00:00:00+00:00", '["a", "ä"]']
    assert list(cells[2].values())[-4:] == [""] * 4
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.types[-4:] == [pa.int64(), pa.string(), pa.timestamp("us", "UTC"), own["tags"]]
    assert table["tags"].to_pylist() == [["a", "ä"], ["a", "ä"], None]
    assert table["row_age"].to_pylist() == ["30", "30", None]
    assert table["age"].to_pylist()[0] == pytest.approx(31.4)


def test_pictures_keep_their_names_and_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for name in ("a.png", "b.bmp"):
        Image.new("RGB", (100, 100)).save(tmp_path / name)
    with picture_writer(tmp_path / "drawn") as add:
        for name in ("one/a.png", "two/a.png", "b.bmp"):
            add(Answer(name, 100, 100, (FACE,)), tmp_path / Path(name).name)
        for number in (1, 2):
            add(Answer(f"t.parquet#{number}", 100, 100, (FACE,)), tmp_path / "a.png")
        add(ANSWERS[2], tmp_path / "gone.jpg")
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [
        "a-2.png", "a.png", "b.png", "t.parquet#1.png", "t.parquet#2.png",
    ]  # fmt: skip
    assert np.asarray(Image.open(tmp_path / "drawn" / "a-2.png")).any()


def test_a_drawn_video_has_every_frame(tmp_path: Path) -> None:
    blank = np.zeros((480, 640, 3), np.uint8)
    frames = [(blank, FrameAnswer(n, n / 10, (TrackedFace(1, FACE, n + 1),))) for n in range(5)]
    write_all(frames, [video_writer(tmp_path / "drawn" / "out.mp4", 10.0)])
    drawn = Video(str(tmp_path / "drawn" / "out.mp4"))
    assert (drawn.frames, drawn.size, drawn.rate) == (5, (640, 480), 10.0)
    assert all(frame.pixels.max() > 100 for frame in drawn)


def test_a_video_without_frames_leaves_no_file(tmp_path: Path) -> None:
    write_all([], [video_writer(tmp_path / "out.mp4", 10.0)])
    assert list(tmp_path.iterdir()) == []


def test_every_writer_gets_every_answer_and_progress_ends_before_they_do() -> None:
    events: list[Any] = []

    @contextmanager
    def recorder(name: str) -> Iterator[Sink[int]]:
        yield lambda answer, image: events.append((name, answer, image))
        events.append(f"{name} ended")

    @contextmanager
    def progress() -> Iterator[Any]:
        yield events.append
        events.append("progress ended")

    write_all([("x", 7), ("y", 8)], [recorder("a"), recorder("b")], progress())
    assert events == [
        ("a", 7, "x"), ("b", 7, "x"), 1, ("a", 8, "y"), ("b", 8, "y"), 2,
        "progress ended", "b ended", "a ended",
    ]  # fmt: skip


def test_what_may_end_a_stream_keeps_its_answers_and_is_an_error_of_other_streams(tmp_path: Path) -> None:
    def stream(answers: int) -> Iterator[tuple[str, Answer]]:
        yield from PAIRS[:answers]
        raise KeyboardInterrupt

    path = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        write_all(stream(1), [json_lines_writer(path)])
    with pytest.raises(KeyboardInterrupt):
        write_all(stream(0), [json_lines_writer(path)], ends=(KeyboardInterrupt,))
    assert not path.exists()
    ended = write_all(stream(1), [json_lines_writer(path)], ends=(KeyboardInterrupt,))
    assert isinstance(ended, KeyboardInterrupt)
    assert len(path.read_text(encoding="utf-8").split("\n")) == 2
    assert write_all(PAIRS[:1], [json_lines_writer(path)], ends=(KeyboardInterrupt,)) is None
