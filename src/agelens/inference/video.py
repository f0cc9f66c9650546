"""Faces over the frames of a video or camera: followed by overlap, their answers averaged as distributions.

One frame's answer trembles; the same face seen many times does not. A face is followed from frame to frame by
the overlap of its boxes (Bochinski, Eiselein & Sikora 2017, "High-speed tracking-by-detection without using
image information"), and the answer is the mean of its distributions so far, each weighted by its quality.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.errors import ImageError
from agelens.faces.images import Pixels
from agelens.inference.answers import LEVEL, Face, Reading
from agelens.inference.predictor import Predictor
from agelens.labels import GENDERS

#: Boxes that overlap at least so much (intersection over union) are one face.
OVERLAP = 0.3

#: Seconds that a face may be out of sight and still be the same.
PATIENCE = 0.7

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"})


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face in a frame, with the number of its track and the answer over all its frames so far."""

    track: int
    face: Face
    frames: int

    def to_dict(self, at_least: int | None = None, min_quality: float = 0.0) -> dict[str, Any]:
        """Plain JSON values: the face's, and its track."""
        return {"track": self.track, "frames": self.frames, **self.face.to_dict(at_least, min_quality)}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that was read."""

    number: int
    seconds: float
    pixels: Pixels
    faces: tuple[TrackedFace, ...]


@dataclass(slots=True)
class _Track:
    number: int
    box: tuple[float, float, float, float]
    seen: float
    frames: int = 0
    weight: float = 0.0
    age: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    gender: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(GENDERS)))

    def add(self, face: Face, seconds: float) -> None:
        weight = max(face.quality, 1e-3)
        gender = np.full(len(GENDERS), 1 - face.gender_probability)
        gender[face.gender.position] = face.gender_probability
        age = face.age_probabilities.astype(np.float64)
        self.age = weight * age if self.frames == 0 else self.age + weight * age
        self.gender = self.gender + weight * gender
        self.weight += weight
        self.frames += 1
        self.box, self.seen = face.box, seconds


class Tracker:
    """Gives each face of each frame its track."""

    def __init__(self, predictor: Predictor, level: float = LEVEL) -> None:
        """Answer with ``predictor``'s calibrated intervals at ``level``."""
        self._predictor = predictor
        self._level = level
        self._tracks: list[_Track] = []
        self._count = 0

    def update(self, faces: Sequence[Face], seconds: float) -> tuple[TrackedFace, ...]:
        """Match a frame's faces with the tracks, the largest overlaps first; others begin new ones."""
        self._tracks = [track for track in self._tracks if seconds - track.seen <= PATIENCE]
        pairs = sorted(
            (
                (_overlap(track.box, face.box), place, track)
                for place, face in enumerate(faces)
                for track in self._tracks
            ),
            key=lambda pair: -pair[0],
        )
        of_face: dict[int, _Track] = {}
        for overlap, place, track in pairs:
            if overlap >= OVERLAP and place not in of_face and track not in of_face.values():
                of_face[place] = track
        tracked = []
        for place, face in enumerate(faces):
            track = of_face.get(place) or self._begin(face, seconds)
            track.add(face, seconds)
            tracked.append(TrackedFace(track.number, self._averaged(track, face), track.frames))
        return tuple(tracked)

    def _begin(self, face: Face, seconds: float) -> _Track:
        self._count += 1
        track = _Track(self._count, face.box, seconds)
        self._tracks.append(track)
        return track

    def _averaged(self, track: _Track, face: Face) -> Face:
        age = (track.age / track.weight).astype(np.float32)
        gender = (track.gender / track.weight).astype(np.float32)
        reading = Reading(age[None], gender[None])
        low, high = self._predictor.intervals(reading, self._level)[0]
        likelier = int(gender.argmax())
        return replace(
            face,
            age=float(age @ np.arange(len(age))),
            age_interval=(float(low), float(high)),
            interval_level=self._level,
            gender=GENDERS[likelier],
            gender_probability=float(gender[likelier]),
            age_probabilities=age,
        )


def is_video(source: str) -> bool:
    """Whether a source is a video's file, or a camera's number."""
    return is_camera(source) or Path(source).suffix.lower() in SUFFIXES


def is_camera(source: str) -> bool:
    """Whether a source is a camera's number, and no file or folder of that name."""
    return source.isdigit() and not Path(source).exists()


class Video:
    """A video file or camera, opened.

    Attributes:
        frames: how many it has; 0 where nobody knows, as for a camera.
        rate: frames a second.
        size: width and height, pixels.
    """

    def __init__(self, source: str) -> None:
        """Open a file, or a camera by its number.

        Raises:
            ImageError: it cannot be opened.
        """
        camera = is_camera(source)
        if not camera and not Path(source).is_file():
            raise ImageError(f"{source}: no such file")
        self._capture = cv2.VideoCapture(int(source) if camera else source)
        if not self._capture.isOpened():
            kind = "camera" if camera else "file"
            raise ImageError(f"{source}: OpenCV cannot read this {kind} as a video")
        self.frames = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or 25.0
        width, height = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        self.size = int(self._capture.get(width)), int(self._capture.get(height))

    def read(self, predictor: Predictor, level: float = LEVEL) -> Iterator[Frame]:
        """Read the faces of every frame; memory stays at a frame's."""
        tracker = Tracker(predictor, level)
        number = 0
        try:
            while (answer := self._capture.read())[0]:
                pixels: Pixels = cv2.cvtColor(answer[1], cv2.COLOR_BGR2RGB)
                seconds = number / self.rate
                faces = predictor.predict(pixels, level)
                yield Frame(number, seconds, pixels, tracker.update(faces, seconds))
                number += 1
        finally:
            self._capture.release()


class VideoWriter:
    """Writes RGB frames as MP4."""

    def __init__(self, path: Path, rate: float, size: tuple[int, int]) -> None:
        """Begin a file.

        Raises:
            ImageError: OpenCV has no encoder for it here.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
        if not self._writer.isOpened():
            raise ImageError(f"{path}: this OpenCV cannot write MP4")

    def add(self, pixels: Pixels) -> None:
        """Append a (height, width, 3) frame."""
        self._writer.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """End the file."""
        self._writer.release()


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / max(sum(areas) - width * height, 1e-9)
