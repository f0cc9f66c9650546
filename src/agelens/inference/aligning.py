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
from agelens.faces.detection.base import Detection, Detector
from agelens.faces.detection.search import bytes_to_detect, with_others
from agelens.faces.images import Picture, Pixels, Source, open_image, open_regions, resize_to_square
from agelens.faces.memory import Budget, Unbounded
from agelens.inference.answers import Answer

#: Pixels of the longer side that a picture has, if it can be had cheaply, when it is first searched.
ENOUGH = 900

#: Pixels that a picture has when it is searched again, for faces that were too small in it.
FINEST = 4_000_000

#: Share of the longer side; beside a face as small as this there may be smaller ones.
SMALL = 1 / 20

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
        # Whoever shares out memory, as the service does, has none for a second and larger picture.
        self._finest = FINEST if isinstance(budget, Unbounded) else 0
        budget.relieve = getattr(detector, "release", budget.relieve)

    def align(
        self, image: Source, name: str | None = None, limit: int | None = None, *, lenient: bool = False
    ) -> tuple[AlignedFaces, Pixels]:
        """The faces of a picture, at most ``limit``, and the pixels that they were found in."""
        if hasattr(image, "read"):
            image = image.read()  # small faces may need a second look
        opening: dict[str, Any] = {"max_pixels": self._max_pixels, "budget": self._budget}
        opening |= {"name": name, "lenient": lenient}
        picture, seen = self._search(image, opening)
        seen = seen[:limit]
        answer = Answer(name_of(image, name), picture.width, picture.height, frames=picture.frames)
        if self._max_faces is not None and len(seen) > self._max_faces:
            held = f"holds {len(seen)} faces, over the limit of {self._max_faces}"
            raise ImageError(f"{answer.image}: {held}")
        # The reduced picture is coarser than the network's input for these faces; the original is not.
        regions = {number: region for number, one in enumerate(seen) if (region := self._region(one))}
        crops = {n: self._crop(one.pixels, one.face) for n, one in enumerate(seen) if n not in regions}
        for halvings in {regions[number].halvings for number in regions}:
            alike = [number for number, region in regions.items() if region.halvings == halvings]
            enough = max(picture.width, picture.height) >> halvings
            boxes = [regions[number].box for number in alike]
            parts = open_regions(image, boxes, enough=enough, **opening)
            for number, (pixels, x, y, scale) in zip(alike, parts, strict=True):
                face = seen[number].original.moved(-x * scale, -y * scale, scale=scale)
                crops[number] = self._crop(pixels, face)
        found = tuple(one.original for one in seen)
        aligned = tuple(crops[number] for number in range(len(seen)))
        pairs = zip(found, aligned, strict=True)
        qualities = tuple(quality.of_picture(one.score, one.side, crop) for one, crop in pairs)
        return AlignedFaces(answer, found, aligned, qualities), picture.pixels

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

    def _search(self, image: Source, opening: dict[str, Any]) -> tuple[Picture, list[_Seen]]:
        """The picture as it was first opened, and its faces, the largest first.

        Where there may be smaller ones, it is opened again for them; the others stay as they were seen.
        """
        picture = open_image(image, enough=ENOUGH, **opening)
        seen = self._seen(picture)
        longer, original = max(picture.width, picture.height), picture.width * picture.height
        finer = int(longer * min(1.0, math.sqrt(self._finest / original)))
        if finer > 1.2 * max(picture.pixels.shape) and _may_be_smaller(seen, longer):
            again = self._seen(open_image(image, finer, **opening))
            before = [one.original for one in seen]
            kept = with_others(before, [one.original for one in again])
            seen = [one for one in (*seen, *again) if any(one.original is face for face in kept)]
            seen.sort(key=lambda one: one.original.side, reverse=True)
        return picture, seen

    def _seen(self, picture: Picture) -> list[_Seen]:
        with self._budget.held(bytes_to_detect(picture.pixels)):
            faces = self._detector.detect(picture.pixels)
        return [_Seen(picture, face, face.moved(scale=1 / picture.scale)) for face in faces]

    def _crop(self, pixels: Pixels, face: Detection) -> Pixels:
        return crop_face(pixels, face, self._detector.name, self._convention, self._size)

    def _region(self, seen: _Seen) -> _Region | None:
        """Where to look at a face in the original, for which the reduced picture is coarser than the network.

        None where it is fine enough, or where the face's landmarks lie so that it would be the whole picture.
        """
        picture, face = seen.picture, seen.face
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
        halvings = math.floor(math.log2(max(1.0, seen.original.side / self._size)))
        return _Region((left, top, right, bottom), halvings)


class _Seen(NamedTuple):
    """A face, and the picture that it was found in."""

    picture: Picture
    face: Detection  # in pixels of that picture
    original: Detection  # in pixels of the upright original

    @property
    def pixels(self) -> Pixels:
        return self.picture.pixels


class _Region(NamedTuple):
    """Where to look at a face in the original, and how often the original may be halved for it."""

    box: Region
    halvings: int


def _may_be_smaller(seen: list[_Seen], longer: int) -> bool:
    return not seen or seen[-1].original.side < SMALL * longer


def name_of(image: Source, name: str | None) -> str:
    """What answers and errors call an image: ``name``, or its path."""
    return name or (str(image) if isinstance(image, str | Path) else "(in memory)")
