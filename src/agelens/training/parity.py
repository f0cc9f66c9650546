"""Whether two networks answer alike: the faces that they are compared on, and how far apart they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agelens.ages import expectation
from agelens.data.pack import Pack, is_pack
from agelens.errors import AgeLensError
from agelens.faces.images import Pixels, open_image, resize_to_square
from agelens.inference.answers import Reading
from agelens.inference.sources import stream

#: Most pictures that are compared on, and fewest inputs: of fewer pictures, several views are taken.
MOST, LEAST = 64, 16


class ParityFaces(NamedTuple):
    """What networks are compared on."""

    pixels: NDArray[np.uint8]  # (n, S, S, 3) RGB, n at least 16
    told: str  # where they come from, as "64 images of work/faces.csv"


def parity_faces(given: Path | None, own: Path, size: int) -> ParityFaces:
    """The faces to compare on: those ``given``, else a run's ``own``, else the package's pictures.

    Both are a folder, a manifest, a pack or a picture. ``size`` is the side of the network's input, pixels.

    Raises:
        AgeLensError: none of the given pictures can be read.
    """
    if given is not None:
        if not (faces := _faces(given, size)):
            raise AgeLensError(f"no picture of {given} can be read to compare the exported network on")
        return _enough(faces, size, str(given))
    with contextlib.suppress(AgeLensError, OSError):
        if faces := _faces(own, size):
            return _enough(faces, size, str(own))
    examples = Path(str(resources.files("agelens") / "assets" / "examples"))
    return _enough(_faces(examples, size), size, "the package's examples (the run's own are not at hand)")


def views(picture: Pixels, size: int) -> list[Pixels]:
    """Sixteen inputs of one picture: whole and its middle, each turned four ways, each mirrored."""
    height, width = picture.shape[:2]
    middle = picture[height // 6 : height - height // 6, width // 6 : width - width // 6]
    squares = [resize_to_square(one, size) for one in (picture, middle)]
    return [
        np.ascontiguousarray(np.rot90(side, turns))
        for square in squares
        for side in (square, square[:, ::-1])
        for turns in range(4)
    ]


def largest_difference(one: Reading, other: Reading) -> float:
    """The largest difference between two probabilities of the same age or gender."""
    return max(
        float(np.abs(ours - theirs).max())
        for ours, theirs in ((one.age, other.age), (one.gender, other.gender))
    )


def largest_age_difference(one: Reading, other: Reading) -> float:
    """The largest difference between two expected ages of the same face, years."""
    return float(np.abs(expectation(one.age) - expectation(other.age)).max())


def _enough(pictures: Sequence[Pixels], size: int, source: str) -> ParityFaces:
    told = f"{len(pictures)} image{'s' * (len(pictures) > 1)} of {source}"
    if len(pictures) >= LEAST:
        return ParityFaces(np.stack([resize_to_square(one, size) for one in pictures]), told)
    inputs = np.stack([view for picture in pictures for view in views(picture, size)])
    return ParityFaces(inputs, f"{len(inputs)} views of {told}")


def _faces(source: Path, size: int) -> list[Pixels]:
    """Pictures of a source, drawn at random; one that cannot be read is passed over."""
    faces: list[Pixels] = []
    for picture in _drawn(source):
        with contextlib.suppress(AgeLensError):  # training has reported it already
            # Twice the input's side leaves views their detail without holding 12-megapixel photos.
            faces.append(picture if isinstance(picture, np.ndarray) else open_image(picture, 2 * size).pixels)
        if len(faces) == MOST:
            break
    return faces


def _drawn(source: Path) -> Iterator[Pixels | Path]:
    pictures: Pack | list[Path]
    pictures = Pack(source) if is_pack(source) else [Path(str(one.source)) for one in stream([source])]
    return (pictures[row] for row in np.random.default_rng(0).permutation(len(pictures)))
