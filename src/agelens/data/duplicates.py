"""Find copies of a face: the same bytes, the same picture re-encoded, recoloured, mirrored or cut a little.

Two stages. Every picture is compared with every other, its mirror image and its middle, as a 16×16 brightness
pattern (cosine, one matrix product a block: 21,000 faces in seconds). The pairs that may be copies are then
compared by their 64×64 gradients, over small shifts: gradients do not see brightness or tint, which copies
differ in, and see features, which alike but different faces do not share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agelens.data.clusters import connected
from agelens.errors import AgeLensError
from agelens.faces.images import open_image
from agelens.faces.quality import laplacian_variance
from agelens.files import sha256
from agelens.parallel import Progress, attempt_each, silent

#: Cosine of brightness patterns above which a pair is looked at again.
CANDIDATE = 0.93

#: Correlation of gradients from which a pair is a copy. Known copies of UTKFace reach 0.90 to 1.00, and the
#: 686 most alike other pairs have their median at 0.73.
COPY = 0.90

#: Shares of a picture's side that another may be a crop of.
SHOWN = (1.0, 0.95, 0.9)

#: Pixels of the 64×64 picture by which a copy may be shifted.
SHIFT = 2

_COARSE, _FINE = 16, 64
_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a picture is compared by.

    Attributes:
        digest: SHA-256 of the file.
        grey: (64, 64) uint8.
        width: pixels of the upright original.
        height: likewise.
        sharpness: variance of the Laplacian at 64×64; low for a blurred picture.
    """

    digest: str
    grey: NDArray[np.uint8]
    width: int
    height: int
    sharpness: float


@dataclass(frozen=True, slots=True)
class Copy:
    """Two pictures that are one; positions in the list that was searched."""

    one: int
    other: int
    similarity: float  # 1.0 for equal bytes, else the correlation of gradients
    mirrored: bool = False


def fingerprint(path: Path) -> Fingerprint:
    """Read a picture's fingerprint.

    Raises:
        ImageError: it cannot be read.
    """
    picture = open_image(path, max_side=4 * _FINE)
    grey = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_FINE, _FINE), interpolation=cv2.INTER_AREA)
    sharpness = laplacian_variance(small)
    return Fingerprint(sha256(path), small.astype(np.uint8), picture.width, picture.height, sharpness)


def fingerprints(paths: Sequence[Path], progress: Progress = silent) -> list[Fingerprint | AgeLensError]:
    """Fingerprints in order; an unreadable picture's error in its place."""
    return list(attempt_each(fingerprint, paths, progress=progress))


def find_copies(prints: Sequence[Fingerprint]) -> list[Copy]:
    """Every pair of copies among the pictures."""
    by_digest: dict[str, list[int]] = defaultdict(list)
    for row, picture in enumerate(prints):
        by_digest[picture.digest].append(row)
    copies = [Copy(one, other, 1.0) for rows in by_digest.values() for one, other in pairwise(rows)]
    for one, other, mirrored, shown in _candidates([picture.grey for picture in prints]):
        if prints[one].digest == prints[other].digest:
            continue
        similarity = _correlation(prints[one].grey, _seen(prints[other].grey, mirrored, shown))
        if similarity >= COPY:
            copies.append(Copy(min(one, other), max(one, other), similarity, mirrored))
    return copies


def clusters(copies: Sequence[Copy], size: int) -> list[list[int]]:
    """Copies of copies belong together: the groups of two or more positions, each rising."""
    links = ((copy.one, copy.other) for copy in copies)
    return [group for group in connected(links, size) if len(group) > 1]


def _candidates(greys: Sequence[NDArray[np.uint8]]) -> list[tuple[int, int, bool, float]]:
    """Pairs that may be copies: one as it is, the other mirrored and zoomed into, as they are most alike."""
    if not greys:
        return []
    patterns = np.stack([_pattern(grey) for grey in greys])
    best: dict[tuple[int, int], tuple[float, tuple[int, int, bool, float]]] = {}
    for shown, mirrored in product(SHOWN, (False, True)):
        variants = np.stack([_pattern(_seen(grey, mirrored, shown)) for grey in greys])
        for start in range(0, len(greys), _BLOCK):
            cosine = patterns[start : start + _BLOCK] @ variants.T
            for row, other in np.argwhere(cosine > CANDIDATE).tolist():
                one, value = start + row, float(cosine[row, other])
                key = min(one, other), max(one, other)
                if one != other and (key not in best or value > best[key][0]):
                    best[key] = value, (one, other, mirrored, shown)
    return [found for _, found in best.values()]


def _seen(grey: NDArray[np.uint8], mirrored: bool, shown: float) -> NDArray[np.uint8]:
    """A (64, 64) picture mirrored, and zoomed into its middle."""
    if mirrored:
        grey = np.ascontiguousarray(grey[:, ::-1])
    if shown == 1.0:
        return grey
    edge = _FINE * (1 - shown) / 2
    matrix = np.array([[shown, 0, edge], [0, shown, edge]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(grey, matrix, (_FINE, _FINE), flags=flags), dtype=np.uint8)


def _pattern(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(64, 64) -> (256,) brightness with mean 0 and length 1; zeros for a picture of one colour."""
    small = cv2.resize(grey, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return np.asarray(small / length if length > 1e-3 else np.zeros_like(small), dtype=np.float32)


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The best correlation of gradients over small shifts, -1..1."""
    fixed = _gradients(one)[:, SHIFT:-SHIFT, SHIFT:-SHIFT]
    moving = _gradients(other)
    height, width = fixed.shape[1:]
    return max(
        _cosine(fixed, moving[:, down : down + height, right : right + width])
        for down in range(2 * SHIFT + 1)
        for right in range(2 * SHIFT + 1)
    )


def _gradients(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1)
    return np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    a, b = one - one.mean(), other - other.mean()
    lengths = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / lengths if lengths > 0 else 0.0
