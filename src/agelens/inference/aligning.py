"""From a picture to its aligned faces: opened, searched, and each face cut out as the network takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agelens.errors import ImageError
from agelens.faces import quality
from agelens.faces.bands import Region
from agelens.faces.crop import CropConvention, crop_face, eye_distance, footprint
from agelens.faces.detection.base import Detection, Detector, bytes_to_detect
from agelens.faces.images import Picture, Pixels, Source, open_image, open_regions, resize_to_square
from agelens.faces.memory import Budget
from agelens.inference.answers import Answer

#: Sides of the network's square that a face's surroundings may have; they are more where landmarks coincide.
_WIDEST = 4


@dataclass(frozen=True, slots=True)
class AlignedFaces:
    """An opened image and its aligned faces, on the way to the network."""

    answer: Answer  # the image's name and size, or its error; still without faces
    detections: tuple[Detection, ...] = ()  # in pixels of the upright original, the largest first
    crops: tuple[Pixels, ...] = ()  # of each, (S, S, 3) uint8 RGB
    qualities: tuple[float, ...] = ()  # of each as it was found, 0..1


class LargestFace(NamedTuple):
    """The largest face of a picture, for the network."""

    crop: Pixels  # (S, S, 3) uint8 RGB
    found: bool  # False where no face was found, and the crop is the whole picture
    quality: float  # of the picture, 0..1; 0 where no face was found
    eyes: float  # pixels between the eyes in the original; NaN where nobody knows


class Aligner:
    """Finds and aligns the faces of pictures; safe to share between threads."""

    def __init__(
        self,
        detector: Detector,
        convention: CropConvention,
        size: int,
        *,
        max_pixels: int,
        max_faces: int | None,
        budget: Budget,
    ) -> None:
        """Cut faces into squares of ``size`` pixels; the limits are those of ``Predictor``."""
        self._detector, self._convention, self._size = detector, convention, size
        self._max_pixels, self._max_faces, self._budget = max_pixels, max_faces, budget
        budget.relieve = getattr(detector, "release", budget.relieve)

    def align(
        self, image: Source, name: str | None = None, limit: int | None = None, *, lenient: bool = False
    ) -> tuple[AlignedFaces, Pixels]:
        """The faces of a picture, at most ``limit``, and the pixels that they were found in."""
        if hasattr(image, "read"):
            image = image.read()  # small faces may need a second look
        opening: dict[str, Any] = {"max_pixels": self._max_pixels, "budget": self._budget}
        opening |= {"name": name, "lenient": lenient}
        picture = open_image(image, **opening)
        with self._budget.held(bytes_to_detect(picture.pixels)):
            found = tuple(self._detector.detect(picture.pixels)[:limit])
        answer = Answer(name_of(image, name), picture.width, picture.height, frames=picture.frames)
        if self._max_faces is not None and len(found) > self._max_faces:
            held = f"holds {len(found)} faces, over the limit of {self._max_faces}"
            raise ImageError(f"{answer.image}: {held}")
        originals = [one.moved(scale=1 / picture.scale) for one in found]
        # The reduced picture is coarser than the network's input for these faces; the original is not.
        regions = {
            number: region for number, one in enumerate(found) if (region := self._region(picture, one))
        }
        crops = {n: self._crop(picture.pixels, one) for n, one in enumerate(found) if n not in regions}
        if regions:
            parts = open_regions(image, list(regions.values()), **opening)
            for (number, (x, y, *_)), pixels in zip(regions.items(), parts, strict=True):
                crops[number] = self._crop(pixels, originals[number].moved(-x, -y))
        aligned = tuple(crops[number] for number in range(len(found)))
        pairs = zip(originals, aligned, strict=True)
        qualities = tuple(quality.of_picture(one.score, one.side, crop) for one, crop in pairs)
        return AlignedFaces(answer, tuple(originals), aligned, qualities), picture.pixels

    def largest(self, image: Source) -> LargestFace:
        """The aligned square of the largest face; the whole picture where none is found.

        Raises:
            ImageError: the image cannot be read.
        """
        aligned, pixels = self.align(image, limit=1)
        if not aligned.crops:
            return LargestFace(resize_to_square(pixels, self._size), False, 0.0, math.nan)
        eyes = eye_distance(aligned.detections[0], self._detector.name, self._convention)
        return LargestFace(aligned.crops[0], True, aligned.qualities[0], eyes)

    def _crop(self, pixels: Pixels, face: Detection) -> Pixels:
        return crop_face(pixels, face, self._detector.name, self._convention, self._size)

    def _region(self, picture: Picture, face: Detection) -> Region | None:
        """Where to look at a face in the original, for which the reduced picture is coarser than the network.

        None where it is fine enough, or where the face's landmarks lie so that it would be the whole picture.
        """
        if picture.scale >= 1 or face.side >= self._size:
            return None
        box = footprint(face, self._detector.name, self._convention)
        if max(box[2] - box[0], box[3] - box[1]) > _WIDEST * self._size:
            return None
        x0, y0, x1, y1 = (value / picture.scale for value in box)
        # With a rim for the interpolation; a pixel at least, where the face lies beyond the picture's edge.
        (left, right), (top, bottom) = (
            (max(0, min(int(low) - 2, most - 1)), min(most, max(int(high) + 3, 1)))
            for low, high, most in ((x0, x1, picture.width), (y0, y1, picture.height))
        )
        return left, top, right, bottom


def name_of(image: Source, name: str | None) -> str:
    """What answers and errors call an image: ``name``, or its path."""
    return name or (str(image) if isinstance(image, str | Path) else "(in memory)")
