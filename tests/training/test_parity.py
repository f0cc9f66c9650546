from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agelens.data.manifest import read_manifest
from agelens.data.pack import write_pack
from agelens.errors import AgeLensError
from agelens.inference.answers import Reading
from agelens.training.parity import (
    LEAST,
    MOST,
    largest_age_difference,
    largest_difference,
    parity_faces,
    views,
)

NOWHERE = Path("/nowhere/at/all.csv")


def different(faces: np.ndarray) -> int:
    return len({face.tobytes() for face in faces})


def test_faces_are_drawn_from_whatever_is_given(synthetic: Path, tmp_path: Path, astronaut: Path) -> None:
    table = read_manifest(synthetic)
    write_pack(table, tmp_path / "pack", 24)
    for source in (synthetic, synthetic.parent, tmp_path / "pack"):
        faces = parity_faces(source, NOWHERE, 32)
        assert faces.pixels.shape == (MOST, 32, 32, 3)
        assert different(faces.pixels) == MOST
        assert faces.told == f"{MOST} images of {source}"
        # They are the same the next time, and are taken as the run's own, too.
        for again in (parity_faces(source, NOWHERE, 32), parity_faces(None, source, 32)):
            np.testing.assert_array_equal(again.pixels, faces.pixels)
    one = parity_faces(astronaut, NOWHERE, 32)
    assert (different(one.pixels), one.told) == (LEAST, f"16 views of 1 image of {astronaut}")


def test_a_pack_needs_none_of_its_pictures(synthetic: Path, tmp_path: Path) -> None:
    write_pack(read_manifest(synthetic), tmp_path / "pack", 24)
    table = tmp_path / "pack" / "manifest.csv"
    table.write_text(table.read_text().replace(str(synthetic.parent), "/gone"))
    assert parity_faces(None, tmp_path / "pack", 32).told.startswith("64 images of")


def test_elsewhere_the_packages_own_pictures_are_taken(synthetic: Path, tmp_path: Path) -> None:
    orphan = tmp_path / "orphan.csv"  # a table that came without its pictures
    orphan.write_bytes(synthetic.read_bytes())
    for own in (NOWHERE, Path("no-such-pack"), orphan, tmp_path):
        faces = parity_faces(None, own, 40)
        assert different(faces.pixels) == len(faces.pixels) >= LEAST
        assert "of the package's examples (the run's own are not at hand)" in faces.told


def test_faces_that_are_given_and_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"nonsense")
    for given in (tmp_path, tmp_path / "broken.jpg", NOWHERE):
        with pytest.raises(AgeLensError, match=r"no picture of|no such table|cannot be read"):
            parity_faces(given, tmp_path, 32)


def test_views_are_sixteen_turned_mirrored_and_scaled() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)
    seen = views(picture, 32)
    assert different(np.stack(seen)) == 16
    np.testing.assert_array_equal(np.rot90(seen[0], 1), seen[1])
    np.testing.assert_array_equal(seen[0][:, ::-1], seen[4])


def test_differences_are_the_largest_of_any_face() -> None:
    age = np.zeros((2, 101), np.float32)
    age[:, 30] = 1
    one = Reading(age, np.array([[0.5, 0.5], [1, 0]], np.float32))
    other = Reading(age.copy(), np.array([[0.5, 0.5], [0.9, 0.1]], np.float32))
    assert largest_difference(one, other) == pytest.approx(0.1)
    assert largest_age_difference(one, other) == 0
    other.age[1, 30], other.age[1, 40] = 0.75, 0.25
    assert largest_difference(one, other) == pytest.approx(0.25)
    assert largest_age_difference(one, other) == pytest.approx(2.5)
