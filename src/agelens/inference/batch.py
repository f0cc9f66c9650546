"""One face an image, for thousands of images: what evaluation and submission are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agelens.errors import ImageError
from agelens.faces.images import Pixels
from agelens.inference.aligning import LargestFace
from agelens.inference.answers import Reading, concatenate
from agelens.inference.predictor import Predictor
from agelens.parallel import map_ahead

#: Images whose faces go through the network together; as many again are opened meanwhile.
WINDOW = 512


@dataclass(frozen=True, slots=True)
class BatchReading:
    """What was read from many images.

    Attributes:
        rows: the positions of the images that could be read, rising.
        reading: their distributions, in the order of ``rows``.
        errors: position -> why an image could not be read.
        without_face: how many were read whole, since no face was found in them.
        picture: (n,) 0..1, the part of the quality that the picture decides; 0 where no face was found.
        quality: (n,) 0..1, in the order of ``rows``; see ``agelens.faces.quality``.
        eyes: (n,) pixels between the eyes in the original; NaN where nobody knows.
    """

    rows: tuple[int, ...]
    reading: Reading
    errors: dict[int, str]
    without_face: int
    picture: NDArray[np.float64]
    quality: NDArray[np.float64]
    eyes: NDArray[np.float64]


def read_each(
    predictor: Predictor,
    images: Sequence[Path],
    *,
    flip: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> BatchReading:
    """Read the largest face of every image; where none is found, the image is taken whole.

    Files that cannot be read are named in the result and cost the others nothing. ``flip`` averages each
    answer with its mirror image's; ``progress`` is told how many images are done.
    """

    def find(path: Path) -> LargestFace | str:
        try:
            return predictor.crop_largest(path)
        except ImageError as error:
            return str(error)

    rows: list[int] = []
    readings = [predictor.read_faces([])]
    errors: dict[int, str] = {}
    qualities: list[float] = []
    eyes: list[float] = []
    without_face = done = 0
    faces = map_ahead(find, images, predictor.threads, ahead=WINDOW)
    while window := list(islice(faces, WINDOW)):
        crops: list[Pixels] = []
        for row, face in enumerate(window, start=done):
            if isinstance(face, str):
                errors[row] = face
                continue
            rows.append(row)
            crops.append(face.crop)
            qualities.append(face.quality)
            eyes.append(face.eyes)
            without_face += not face.found
        readings.append(predictor.read_faces(crops, flip=flip))
        done += len(window)
        progress(done)
    reading = concatenate(readings)
    pictures = np.array(qualities, dtype=np.float64)
    judged = predictor.qualities(pictures, reading)
    between = np.array(eyes, dtype=np.float64)
    return BatchReading(tuple(rows), reading, errors, without_face, pictures, judged, between)
