"""Videos and cameras: their frames in, drawn frames out, and the answers of each frame in between."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from agelens.errors import ImageError
from agelens.faces.images import Pixels
from agelens.faces.kinds import kind_of_file
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.inference.tracking import TrackedFace, Tracker

#: A film that ends so much before its announced end, in frames and in share of it, was broken off. Where a
#: file announces no count, OpenCV reckons one from its duration and rate, which may be off by a frame or two.
MISSING_FRAMES, MISSING_SHARE = 2, 0.02


class Frame(NamedTuple):
    """One frame of a video: its number and seconds from 0; (height, width, 3) uint8 RGB."""

    number: int
    seconds: float
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    """The faces of a frame, each with its answer over the frames so far; ``frame`` and ``seconds`` from 0."""

    frame: int
    seconds: float
    faces: tuple[TrackedFace, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        faces = [tracked.to_dict() for tracked in self.faces]
        return {"frame": self.frame, "seconds": round(self.seconds, 3), "faces": faces}


def is_video(source: str) -> bool:
    """Whether a source is a video's file, by its content before its suffix, or a camera's number."""
    return _is_camera(source) or (kind_of_file(source) == "video" and not os.path.isdir(source))


def _is_camera(source: str) -> bool:
    return source.isdigit() and not Path(source).exists()


class Video:
    """A video file or camera, opened; iterating gives its frames, once.

    A file that ends before its announced end gives what it has, and then an ``ImageError``.

    Attributes:
        name: of the file without its suffix, or ``camera``.
        frames: how many it has; 0 where nobody knows, as for a camera.
        rate: frames a second, on average.
        size: width and height, pixels.
    """

    def __init__(self, source: str) -> None:
        """Open a file, or a camera by its number.

        Raises:
            ImageError: it cannot be opened.
        """
        self._source, self._camera = source, _is_camera(source)
        if not self._camera and not Path(source).is_file():
            raise ImageError(f"{source}: no such file")
        self._capture = cv2.VideoCapture(int(source) if self._camera else source)
        if not self._capture.isOpened():
            kind = "camera" if self._camera else "file"
            raise ImageError(f"{source}: OpenCV cannot read this {kind} as a video")
        self.name = "camera" if self._camera else Path(source).stem
        self.frames = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or 25.0
        width, height = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        self.size = int(self._capture.get(width)), int(self._capture.get(height))

    def __iter__(self) -> Iterator[Frame]:
        started = time.monotonic()
        number, seconds = 0, 0.0
        try:
            while (answer := self._capture.read())[0]:
                pixels: Pixels = cv2.cvtColor(answer[1], cv2.COLOR_BGR2RGB)
                seconds = self._seconds(number, started)
                yield Frame(number, seconds, pixels)
                number += 1
        finally:
            self._capture.release()
        if not self._camera:
            self._check_end(number, seconds)

    def _check_end(self, read: int, seconds: float) -> None:
        """Refuse a file without frames, and one whose frames end too early both by count and by time."""
        if not read:
            raise ImageError(f"{self._source}: holds no frames, or none that OpenCV can decode")
        missing = max(MISSING_FRAMES, MISSING_SHARE * self.frames)
        if min(self.frames - read, self.frames - 1 - seconds * self.rate) > missing:
            whole = self.frames / self.rate
            raise ImageError(
                f"{self._source}: broken off after frame {read} of {self.frames}, at {seconds:.1f} of "
                f"{whole:.1f} s; the frames before are answered"
            )

    def _seconds(self, number: int, started: float) -> float:
        """When the frame was taken: by the clock, or by the file, whose frames need not be evenly spaced."""
        if self._camera:
            return time.monotonic() - started
        milliseconds = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        return milliseconds / 1000 if milliseconds > 0 else number / self.rate


def answer_frames(
    video: Video, predictor: Predictor, options: AnswerOptions = AnswerOptions()
) -> Iterator[tuple[Pixels, FrameAnswer]]:
    """Each frame's pixels and the answers of its faces, followed over the frames; one frame is in memory."""
    tracker = Tracker(predictor, options)
    for frame in video:
        faces = tracker.update(predictor.predict(frame.pixels, options), frame.seconds)
        yield frame.pixels, FrameAnswer(frame.number, frame.seconds, faces)


@contextmanager
def mp4_encoder(path: Path, rate: float, size: tuple[int, int]) -> Iterator[Callable[[Pixels], None]]:
    """Write an MP4, ``size`` is (width, height): the function given appends a (height, width, 3) uint8 frame.

    Raises:
        ImageError: OpenCV has no encoder for it here.
    """
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    if not writer.isOpened():
        raise ImageError(f"{path}: this OpenCV cannot write MP4")
    try:
        yield lambda pixels: writer.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()
