"""Faces followed over the frames of a video, their answers averaged as distributions.

One frame's answer trembles; the same face seen many times does not. A face is followed from frame to frame by
the overlap of its boxes (Bochinski, Eiselein & Sikora 2017, "High-speed tracking-by-detection without using
image information"), and the answer is the mean of its distributions so far, each weighted by its quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agelens.faces.boxes import Box, iou
from agelens.faces.detection.base import Detection
from agelens.inference.answers import Face, Reading
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.labels import GENDERS, NUM_AGES

OVERLAP = 0.3  # boxes of at least this intersection over union are one face
PATIENCE = 0.7  # seconds that a face may be out of sight and still be the same
LEAST_WEIGHT = 1e-3  # of a frame, so that a face of no quality still has an answer


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face in a frame, with the number of its track and the answer over all its frames so far."""

    track: int
    face: Face
    frames: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the face's, and its track."""
        return {"track": self.track, "frames": self.frames, **self.face.to_dict()}


@dataclass(slots=True, eq=False)
class _Track:
    number: int
    box: Box = (0, 0, 0, 0)
    seen: float = 0.0
    frames: int = 0
    weight: float = 0.0
    age: NDArray[np.float64] = field(default_factory=lambda: np.zeros(NUM_AGES))
    gender: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(GENDERS)))

    def add(self, face: Face, seconds: float) -> None:
        weight = max(face.quality, LEAST_WEIGHT)
        # What the model does not answer is even, and stays unanswered.
        age = np.full(NUM_AGES, 1 / NUM_AGES) if face.age_probabilities is None else face.age_probabilities
        gender = np.full(len(GENDERS), 1 / len(GENDERS))
        if face.gender is not None and face.gender_probability is not None:
            gender[:] = 1 - face.gender_probability
            gender[face.gender.position] = face.gender_probability
        self.age = self.age + weight * age.astype(np.float64)
        self.gender = self.gender + weight * gender
        self.weight += weight
        self.frames += 1
        self.box, self.seen = face.box, seconds

    def mean(self) -> Reading:
        age, gender = (total / self.weight for total in (self.age, self.gender))
        return Reading(age[None].astype(np.float32), gender[None].astype(np.float32))


class Tracker:
    """Gives each face of each frame its track."""

    def __init__(self, predictor: Predictor, options: AnswerOptions = AnswerOptions()) -> None:
        """Answer with the calibration of ``predictor``, as ``options`` ask."""
        self._predictor, self._options = predictor, options
        self._tracks: list[_Track] = []
        self._numbers = count(1)

    def update(self, faces: Sequence[Face], seconds: float) -> tuple[TrackedFace, ...]:
        """Match a frame's faces with the tracks, the largest overlaps first; others begin new ones."""
        self._tracks = [track for track in self._tracks if seconds - track.seen <= PATIENCE]
        pairs = [
            (iou(track.box, face.box), place, track)
            for place, face in enumerate(faces)
            for track in self._tracks
        ]
        of_face: dict[int, _Track] = {}
        for overlap, place, track in sorted(pairs, key=lambda pair: -pair[0]):
            if overlap >= OVERLAP and place not in of_face and track not in of_face.values():
                of_face[place] = track
        tracked = []
        for place, face in enumerate(faces):
            if place not in of_face:
                of_face[place] = _Track(next(self._numbers))
                self._tracks.append(of_face[place])
            track = of_face[place]
            track.add(face, seconds)
            here = Detection(face.box, face.detection, turn=face.turn // 90)
            quality = np.array([face.quality])
            (averaged,) = self._predictor.answer([here], track.mean(), quality, self._options)
            tracked.append(TrackedFace(track.number, averaged, track.frames))
        return tuple(tracked)
