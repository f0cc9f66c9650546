from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import agelens
from agelens.inference import batch
from agelens.models.bundle import Bundle


def test_every_image_is_read_or_named_in_its_place(
    tmp_path: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "WINDOW", 3)
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{n}.png" for n in range(8)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(path)
    paths[4].write_bytes(b"nonsense")
    paths[6].unlink()
    predictor, done = agelens.load(tiny_bundle.folder, "whole"), []
    result = batch.read_each(predictor, paths, progress=done.append)
    assert result.rows == (0, 1, 2, 3, 5, 7)
    assert sorted(result.errors) == [4, 6]
    assert done == [3, 6, 8]
    alone = predictor.predict(paths[5])[0]
    np.testing.assert_allclose(result.reading.age[4], alone.age_probabilities, atol=1e-6)


def test_flipping_averages_a_face_with_its_mirror_image(tmp_path: Path, tiny_bundle: Bundle) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    predictor = agelens.load(tiny_bundle.folder, "whole")
    flipped = batch.read_each(predictor, [tmp_path / "face.png"], flip=True).reading
    both = predictor.read_faces([pixels, pixels[:, ::-1]])
    np.testing.assert_allclose(flipped.age[0], both.age.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(flipped.gender[0], both.gender.mean(axis=0), atol=1e-6)


def test_no_images_are_no_readings(tiny_bundle: Bundle) -> None:
    result = batch.read_each(agelens.load(tiny_bundle.folder, "whole"), [])
    assert result.rows == ()
    assert result.reading.age.shape == (0, 101)
