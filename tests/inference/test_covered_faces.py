from __future__ import annotations

import numpy as np
import pytest

import agelens
from agelens.data.manifest import Manifest
from agelens.faces.images import open_image
from agelens.inference.answers import Face
from agelens.training.covers import mask

pytestmark = pytest.mark.slow


def test_a_covered_face_is_trusted_less_and_its_interval_is_wider(utkface_val: Manifest) -> None:
    """The shipped model on masks painted over 200 faces that it has not learnt."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(utkface_val.samples))[:200]
    samples = [utkface_val.samples[row] for row in rows]
    predictor = agelens.load("embedded", "whole")
    plain: list[Face] = []
    masked: list[Face] = []
    for sample in samples:
        pixels = open_image(utkface_val.path(sample)).pixels.copy()
        plain += predictor.predict(pixels)
        mask(pixels, rng)
        masked += predictor.predict(pixels)

    def bounds(faces: list[Face]) -> np.ndarray:
        return np.array([face.age_interval for face in faces])

    truth = np.array([sample.age for sample in samples])
    low, high = bounds(masked).T
    assert ((low <= truth) & (truth <= high)).mean() >= 0.8
    assert np.diff(bounds(masked)).mean() > 1.15 * np.diff(bounds(plain)).mean()
    fallen = [one.quality < other.quality for one, other in zip(masked, plain, strict=True)]
    assert np.mean(fallen) > 0.6
    assert np.mean([face.quality for face in masked]) < np.mean([face.quality for face in plain]) - 0.05
