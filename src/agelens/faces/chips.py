"""Whether pictures are chips, aligned faces as a network takes them, or loose photos that only look so.

Read whole, a loose photo is answered all the same, and badly. Its face tells: in a chip, eyes, nose and mouth
lie where the crop convention says. In UTKFace's chips they are off by 0.03 of the picture's side (the median,
by YuNet) and by less than 0.06 in 95 %; in APPA-REAL's photos, cut with a wide margin, by 0.12, and by more
than 0.10 in 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agelens.errors import ImageError
from agelens.faces.crop import CropConvention
from agelens.faces.detection import detectors_at_hand
from agelens.faces.detection.base import Detection, Detector, DetectorName
from agelens.faces.images import open_image

#: Pictures looked at, drawn at random: with YuNet they take a quarter of a second, with Haar four.
SAMPLE = 32

#: Pixels of the longer side that are looked at; a face that fills its picture is found in fewer.
SIDE = 320

#: Share of a picture's side. A face whose landmarks are further off, in the mean, is not aligned.
OFF = 0.09

#: Among the faces found, of which this share may be off by chance or by odd pictures.
SHARE = 0.25


@dataclass(frozen=True, slots=True)
class ChipCheck:
    """What a sample of pictures is like."""

    pictures: int  # in which a face was found
    loose: int  # of them, whose face lies elsewhere than in a chip

    @property
    def sentence(self) -> str | None:
        """What to say to a person who has them read whole; None where they may well be chips."""
        if self.loose < 2 or self.loose < SHARE * self.pictures:
            return None
        return (
            f"{self.loose} of {self.pictures} pictures looked at are no aligned faces, but are read whole; "
            "--detector auto finds the face in each"
        )


def check_chips(
    images: Sequence[Path], detector: DetectorName, convention: CropConvention = CropConvention()
) -> str | None:
    """What is to be said of pictures that a command reads with this detector; None where all is well.

    Nothing is looked at unless the detector is ``whole``.
    """
    return look(images, convention).sentence if detector == "whole" else None


def look(
    images: Sequence[Path], convention: CropConvention = CropConvention(), detector: Detector | None = None
) -> ChipCheck:
    """Look for faces in a sample of pictures; without a detector, the best that is at hand.

    Pictures that cannot be read, or in which no face is found, say nothing.
    """
    finder = detector or detectors_at_hand()[0]
    chosen = np.random.default_rng(0).permutation(len(images))[:SAMPLE]
    offsets = []
    for row in chosen:
        with suppress(ImageError):
            pixels = open_image(images[row], SIDE).pixels
            if found := finder.detect(pixels):
                offsets.append(offset(found[0], pixels.shape[:2], finder.name, convention))
    return ChipCheck(len(offsets), sum(one > OFF for one in offsets))


def offset(found: Detection, size: tuple[int, ...], detector: str, convention: CropConvention) -> float:
    """How far a face lies from where it does in a chip, in shares of the side: the mean over its landmarks.

    ``size`` is the picture's height and width, pixels. Without landmarks, the corners of the box count.
    """
    sides = np.array(size[1::-1], dtype=np.float64)
    if found.landmarks is not None:
        seen, goal = found.landmarks, np.array(convention.landmarks[: len(found.landmarks)])
    elif detector in convention.boxes:
        seen, goal = np.reshape(found.box, (2, 2)), np.reshape(convention.boxes[detector], (2, 2))
    else:
        return 0.0  # nothing is known
    return float(np.linalg.norm(seen / sides - goal, axis=1).mean())
