"""One face an image, for thousands of images: what evaluation and submission are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agelens.errors import ImageError
from agelens.faces import quality
from agelens.faces.images import Pixels
from agelens.inference.answers import Reading
from agelens.inference.predictor import LargestFace, Predictor

#: Images in memory at once.
WINDOW = 512


@dataclass(frozen=True, slots=True)
class BatchReading:
    """What was read from many images.

    Attributes:
        rows: the positions of the images that could be read, rising.
        reading: their distributions, in the order of ``rows``.
        errors: position -> why an image could not be read.
        without_face: how many were read whole, since no face was found in them.
        quality: (n,) 0..1, in the order of ``rows``; see ``agelens.faces.quality``.
    """

    rows: tuple[int, ...]
    reading: Reading
    errors: dict[int, str]
    without_face: int
    quality: NDArray[np.float64]


def read_each(
    predictor: Predictor,
    images: Sequence[Path],
    *,
    flip: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> BatchReading:
    """Read the largest face of every image; where none is found, the image is taken whole.

    Args:
        predictor: the model and how it finds faces.
        images: files; those that cannot be read are told of, and cost the others nothing.
        flip: average each face's answer with its mirror image's.
        progress: told how many images are done.
    """
    rows: list[int] = []
    readings: list[Reading] = []
    errors: dict[int, str] = {}
    faces: list[LargestFace] = []

    def find(path: Path) -> LargestFace | str:
        try:
            return predictor.crop_largest(path)
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(images), WINDOW):
            crops: list[Pixels] = []
            window = images[start : start + WINDOW]
            for row, face in enumerate(pool.map(find, window), start=start):
                if isinstance(face, str):
                    errors[row] = face
                    continue
                rows.append(row)
                crops.append(face.crop)
                faces.append(face._replace(crop=face.crop[:0]))  # the pixels are done with
            readings.append(_read(predictor, crops, flip))
            progress(start + len(window))
    reading = _joined(readings or [predictor.read_faces([])])
    picture = np.array([face.quality for face in faces])
    return BatchReading(
        rows=tuple(rows),
        reading=reading,
        errors=errors,
        without_face=sum(not face.found for face in faces),
        quality=quality.of_answers(picture, reading.age),
    )


def average(readings: Sequence[Reading]) -> Reading:
    """The mean of readings of the same faces, by several models or from mirror images."""
    return Reading(
        np.mean([reading.age for reading in readings], axis=0, dtype=np.float32),
        np.mean([reading.gender for reading in readings], axis=0, dtype=np.float32),
    )


def _read(predictor: Predictor, crops: list[Pixels], flip: bool) -> Reading:
    reading = predictor.read_faces(crops)
    return average([reading, predictor.read_faces([crop[:, ::-1] for crop in crops])]) if flip else reading


def _joined(readings: Sequence[Reading]) -> Reading:
    return Reading(
        np.concatenate([reading.age for reading in readings]),
        np.concatenate([reading.gender for reading in readings]),
    )
