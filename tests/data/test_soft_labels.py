from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agelens import ages
from agelens.data.soft_labels import read_soft_labels, write_soft_labels
from agelens.errors import ManifestError

IMAGES = [Path("a.png"), Path("b.png"), Path("c.png")]
AGE = ages.gaussian([10, 40, 80], 4.0)
GENDER = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])


def test_what_is_written_is_read_back_in_half_precision(tmp_path: Path) -> None:
    features = np.arange(6.0).reshape(3, 2)
    write_soft_labels(tmp_path / "t.npz", IMAGES, AGE, GENDER, features)
    known = read_soft_labels(tmp_path / "t.npz")
    np.testing.assert_allclose(known.age, AGE, atol=1e-3)
    np.testing.assert_allclose(known.gender, GENDER, atol=1e-3)
    np.testing.assert_array_equal(known.features, features)
    np.testing.assert_allclose(known.age.sum(axis=1), 1, atol=1e-6)  # half precision alone is off by more
    np.testing.assert_allclose(known.gender.sum(axis=1), 1, atol=1e-6)


def test_answers_are_found_by_image_in_any_order(tmp_path: Path) -> None:
    write_soft_labels(tmp_path / "t.npz", IMAGES, AGE, GENDER)
    part = read_soft_labels(tmp_path / "t.npz").of([Path("c.png"), Path("a.png")])
    np.testing.assert_allclose(ages.expectation(part.age), [80, 10], atol=0.1)
    assert part.rows == {str(Path("c.png").resolve()): 0, str(Path("a.png").resolve()): 1}
    assert part.features.shape == (2, 0)
    with pytest.raises(ManifestError, match="knows nothing of 1 training images"):
        part.of([Path("a.png"), Path("b.png")])


def test_what_is_no_teachers_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_soft_labels(tmp_path / "gone.npz")
    (tmp_path / "bad.npz").write_bytes(b"nonsense")
    with pytest.raises(ManifestError, match="cannot be read"):
        read_soft_labels(tmp_path / "bad.npz")
    write_soft_labels(tmp_path / "t.npz", IMAGES, AGE, GENDER[:2])
    with pytest.raises(ManifestError, match="differ in length"):
        read_soft_labels(tmp_path / "t.npz")
