from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

import agelens
from agelens.errors import ImageError
from agelens.inference.predictor import Predictor
from agelens.inference.video import Video, answer_frames, is_video, mp4_encoder


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return agelens.load("embedded", "haar")


@pytest.fixture(scope="module")
def clip(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of the astronaut drifting to the right, the last frames without her."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = cv2.cvtColor(cv2.imread(str(astronaut)), cv2.COLOR_BGR2RGB)
    with mp4_encoder(path, 10.0, (512, 512)) as append:
        for number in range(8):
            append(np.roll(picture, 6 * number, axis=1))
        for _ in range(2):
            append(np.full((512, 512, 3), 90, np.uint8))
    return path


def test_a_clip_is_one_face_over_its_frames(clip: Path, predictor: Predictor) -> None:
    video = Video(str(clip))
    assert (video.frames, video.size) == (10, (512, 512))
    answered = list(answer_frames(video, predictor))
    frames = [frame for _, frame in answered]
    assert all(pixels.shape == (512, 512, 3) for pixels, _ in answered)
    assert [frame.frame for frame in frames] == list(range(10))
    assert [frame.seconds for frame in frames] == pytest.approx([number / 10 for number in range(10)])
    tracks = {tracked.track for frame in frames for tracked in frame.faces}
    assert tracks == {1}
    assert frames[-1].faces == ()
    boxes = [frame.faces[0].face.box[0] for frame in frames if frame.faces]
    assert boxes[-1] > boxes[0] + 20


def test_seconds_are_the_files_own_where_frames_are_not_evenly_spaced(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, stamps = Video(str(clip)), iter([0.0, 40.0, 500.0, 510.0])

    class Capture:
        """The clip's frames at moments of our own: OpenCV writes no video of a variable rate."""

        def __init__(self, capture: cv2.VideoCapture) -> None:
            self.capture, self.read, self.release = capture, capture.read, capture.release

        def get(self, what: int) -> float:
            return next(stamps) if what == cv2.CAP_PROP_POS_MSEC else self.capture.get(what)

    monkeypatch.setattr(video, "_capture", Capture(video._capture))
    assert [frame.seconds for frame in islice(video, 4)] == [0, 0.04, 0.5, 0.51]


def test_an_encoder_that_cannot_be_had_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ImageError, match="cannot write MP4"),
        mp4_encoder(tmp_path / "no" / "a.mp4", 10, (9, 9)),
    ):
        pass


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


@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_a_film_that_was_broken_off_gives_what_it_has_and_then_an_error(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    whole = tmp_path / f"whole{suffix}"
    with mp4_encoder(whole, 10.0, (320, 240)) as append:
        for number in range(60):
            append(np.roll(cv2.resize(noise, (320, 240)), number, axis=1))
    assert sum(1 for _ in Video(str(whole))) == 60
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    frames = iter(Video(str(cut)))
    assert [frame.number for frame in islice(frames, 20)] == list(range(20))
    with pytest.raises(
        ImageError, match=r"cut\.\w+: broken off after frame \d+ of 60, at [23]\.\d of 6\.0 s"
    ):
        list(frames)


def test_a_video_is_known_by_its_content_before_its_suffix(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "film.jpg").write_bytes(clip.read_bytes())
    assert is_video(str(tmp_path / "film.jpg"))
    assert cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((9, 9, 3), np.uint8))
    assert not is_video(str((tmp_path / "photo.png").rename(tmp_path / "photo.mp4")))
    (tmp_path / "folder.mp4").mkdir()
    assert not is_video(str(tmp_path / "folder.mp4"))
