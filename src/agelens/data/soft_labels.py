"""What a teacher says of each training image, to learn from beside the label (Hinton et al. 2015).

A teacher's file is a NumPy ``.npz``, keyed by the images' resolved paths: ``images`` (n,), ``age`` (n, 101)
and ``gender`` (n, 2) probabilities, and optionally ``features`` (n, D), standardised, that the student's own
features are asked to foretell (Romero et al. 2015, FitNets).
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agelens.errors import ManifestError
from agelens.files import resolved, written_whole


@dataclass(frozen=True, slots=True)
class SoftLabels:
    """Soft answers by image.

    Attributes:
        rows: image -> row of the arrays.
        age: (n, 101) float32, rows sum to 1.
        gender: (n, 2) float32, in the order male, female; rows sum to 1.
        features: (n, D) float32; D is 0 where the teacher gives none.
    """

    rows: dict[str, int]
    age: NDArray[np.float32]
    gender: NDArray[np.float32]
    features: NDArray[np.float32]

    def of(self, paths: Sequence[Path]) -> SoftLabels:
        """What it says of these images, in their order.

        Raises:
            ManifestError: it does not know one of them.
        """
        names = [str(resolved(path)) for path in paths]
        if unknown := [name for name in names if name not in self.rows]:
            raise ManifestError(
                f"the teacher's file knows nothing of {len(unknown)} training images, as {unknown[0]}"
            )
        rows = [self.rows[name] for name in names]
        order = dict(zip(names, range(len(names)), strict=True))
        return SoftLabels(order, self.age[rows], self.gender[rows], self.features[rows])


def read_soft_labels(path: Path) -> SoftLabels:
    """Read a teacher's file.

    Raises:
        ManifestError: no such file, or not of the layout that ``write_soft_labels`` gives.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            names = [str(name) for name in content["images"]]
            age, gender = (content[key].astype(np.float32) for key in ("age", "gender"))
            features = content.get("features", np.zeros((len(names), 0))).astype(np.float32)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ManifestError(f"{path} cannot be read as a teacher's answers (.npz): {error}") from error
    if not len(names) == len(age) == len(gender) == len(features):
        raise ManifestError(f"{path}: the teacher's arrays differ in length")
    # Stored in half precision, so that rows no longer sum to quite 1.
    age /= age.sum(axis=1, keepdims=True)
    gender /= gender.sum(axis=1, keepdims=True)
    return SoftLabels({name: row for row, name in enumerate(names)}, age, gender, features)


def write_soft_labels(
    path: Path,
    images: Sequence[Path],
    age: NDArray[np.floating],
    gender: NDArray[np.floating],
    features: NDArray[np.floating] | None = None,
) -> None:
    """Write answers for ``images`` as half-precision ``.npz``, whole or not at all."""
    arrays = {
        "images": np.array([str(resolved(image)) for image in images]),
        "age": age.astype(np.float16),
        "gender": gender.astype(np.float16),
    }
    if features is not None:
        arrays["features"] = features.astype(np.float16)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stub takes keywords for flags
