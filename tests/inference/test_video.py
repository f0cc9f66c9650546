from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import agelens
from agelens import ages
from agelens.errors import ImageError
from agelens.inference.answers import Face
from agelens.inference.predictor import Predictor
from agelens.inference.video import Tracker, Video, VideoWriter, is_video
from agelens.labels import Gender


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return agelens.load("embedded", "haar")


@pytest.fixture(scope="module")
def clip(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of the astronaut drifting to the right, the last frames without her."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = cv2.cvtColor(cv2.imread(str(astronaut)), cv2.COLOR_BGR2RGB)
    writer = VideoWriter(path, 10.0, (512, 512))
    for number in range(8):
        writer.add(np.roll(picture, 6 * number, axis=1))
    for _ in range(2):
        writer.add(np.full((512, 512, 3), 90, np.uint8))
    writer.close()
    return path


def face(x: float, age: float, quality: float = 0.5, gender: Gender = Gender.MALE) -> Face:
    return Face((x, 0, x + 10, 10), 1.0, age, (0, 100), 0.9, gender, 0.9, ages.gaussian(age, 2.0), quality)


def test_a_face_keeps_its_track_and_its_answers_are_averaged(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    tracker.update([face(0, 30), face(50, 60)], 0.0)
    second, first = tracker.update([face(52, 64), face(2, 34)], 0.1)
    assert (first.track, second.track, first.frames) == (1, 2, 2)
    assert first.face.age == pytest.approx(32, abs=0.1)
    assert second.face.age == pytest.approx(62, abs=0.1)
    assert first.face.age_probabilities.sum() == pytest.approx(1, abs=1e-4)
    low, high = first.face.age_interval
    assert low < 30
    assert high > 34


def test_a_doubtful_frame_counts_less(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    tracker.update([face(0, 30, quality=0.9)], 0.0)
    (tracked,) = tracker.update([face(0, 60, quality=0.1, gender=Gender.FEMALE)], 0.1)
    assert tracked.face.age == pytest.approx(33, abs=0.2)
    assert tracked.face.gender is Gender.MALE


def test_a_face_out_of_sight_for_long_is_another(predictor: Predictor) -> None:
    tracker = Tracker(predictor)
    tracker.update([face(0, 30)], 0.0)
    assert tracker.update([], 0.3) == ()
    assert tracker.update([face(0, 30)], 0.6)[0].track == 1
    assert tracker.update([face(0, 30)], 2.0)[0].track == 2
    assert tracker.update([face(80, 30)], 2.1)[0].track == 3


def test_a_clip_is_one_face_over_its_frames(clip: Path, predictor: Predictor) -> None:
    video = Video(str(clip))
    assert (video.frames, video.size) == (10, (512, 512))
    frames = list(video.read(predictor))
    assert len(frames) == 10
    tracks = {tracked.track for frame in frames for tracked in frame.faces}
    assert tracks == {1}
    assert frames[-1].faces == ()
    boxes = [frame.faces[0].face.box[0] for frame in frames if frame.faces]
    assert boxes[-1] > boxes[0] + 20


def test_the_command_writes_lines_a_table_and_the_drawn_video(clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agelens", "predict", clip, "--detector", "haar", "--at-least", "18"]
    done = subprocess.run(
        [*command, "-o", tmp_path / "faces.jsonl", "--annotate", tmp_path / "drawn"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "90% interval" in done.stdout
    lines = [json.loads(line) for line in (tmp_path / "faces.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(10))
    assert lines[3]["faces"][0]["track"] == 1
    assert lines[3]["faces"][0]["at_least"] == 18
    assert list((tmp_path / "drawn").iterdir()) == [tmp_path / "drawn" / "clip.mp4"]
    drawn = Video(str(tmp_path / "drawn" / "clip.mp4"))
    assert (drawn.frames, drawn.size) == (10, (512, 512))


def test_faces_of_a_video_are_refused_by_quality_too(clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agelens", "predict", clip, "--detector", "haar", "--min-quality", "1"]
    files = ["-o", tmp_path / "f.jsonl", "--annotate", tmp_path / "drawn"]
    done = subprocess.run([*command, *files], check=True, capture_output=True, text=True)
    _, frame = cv2.VideoCapture(str(tmp_path / "drawn" / "clip.mp4")).read()
    label = frame[:120, 150:300].astype(int)  # about the face, above the orange suit
    assert (
        np.abs(label - (0, 159, 230)).max(axis=2) < 40
    ).sum() < 100  # BGR; an answer's label has a thousand
    assert "refused: quality" in done.stdout
    first = json.loads((tmp_path / "f.jsonl").read_text().splitlines()[0])["faces"][0]
    assert first["age"] is None
    assert first["refused"].endswith("is below 1")


def test_what_is_no_video_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_video("0")
    assert is_video("a.MP4")
    assert not is_video("a.jpg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0").mkdir()
    assert not is_video("0")
    (tmp_path / "a.mp4").write_bytes(b"nonsense")
    with pytest.raises(ImageError, match="cannot read this file as a video"):
        Video(str(tmp_path / "a.mp4"))
    with pytest.raises(ImageError, match="no such file"):
        Video(str(tmp_path / "b.mp4"))
    with pytest.raises(ImageError, match="camera"):
        Video("97")
