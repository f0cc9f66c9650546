from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from agelens.detect import DetectorError, Haar, WholeImage, YuNet
from agelens.images import open_image


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    x = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    y = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return x * y / (area - x * y)


def test_the_whole_image_is_one_face() -> None:
    (found,) = WholeImage().detect(np.zeros((40, 60, 3), np.uint8))
    assert found.box == (0, 0, 60, 40)
    assert found.side == pytest.approx(np.sqrt(2400))


def test_haar_finds_the_astronaut_with_her_eyes_and_nothing_else(astronaut: Path) -> None:
    (found,) = Haar().detect(open_image(astronaut).pixels)
    assert overlap(found.box, (170, 65, 275, 180)) > 0.6
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, [[201, 102], [246, 103]], atol=10)


def test_yunet_finds_the_astronaut_with_five_landmarks(astronaut: Path, yunet: Path) -> None:
    (found,) = YuNet(yunet).detect(open_image(astronaut).pixels)
    assert overlap(found.box, (180, 65, 268, 180)) > 0.6
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks[:2], [[201, 102], [246, 103]], atol=10)
    assert 0.7 <= found.score <= 1


@pytest.mark.parametrize(
    ("photo", "faces"),
    [("couple.jpg", 2), ("img10.jpg", 1), ("img37.jpg", 1), ("img40.jpg", 1), ("img22.jpg", 1)],
)
def test_both_detectors_agree_on_clear_photos(photo: str, faces: int, photos: Path, yunet: Path) -> None:
    pixels = open_image(photos / photo).pixels
    sharp, plain = YuNet(yunet).detect(pixels), Haar().detect(pixels)
    assert len(sharp) == len(plain) == faces
    for face in sharp:
        assert max(overlap(face.box, other.box) for other in plain) > 0.4


def test_yunet_finds_the_crowd_largest_first(photos: Path, yunet: Path) -> None:
    found = YuNet(yunet).detect(open_image(photos / "selfie-many-people.jpg").pixels)
    assert len(found) >= 5
    sides = [face.side for face in found]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_noise_holds_no_face(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert Haar().detect(noise) == []


def test_a_detector_may_be_shared_between_threads(astronaut: Path, yunet: Path) -> None:
    pixels = open_image(astronaut).pixels
    for detector in (YuNet(yunet), Haar()):
        alone = detector.detect(pixels)[0].box
        with ThreadPoolExecutor(4) as pool:
            boxes = [found[0].box for found in pool.map(detector.detect, [pixels] * 12)]
        assert boxes == [alone] * 12


def test_a_missing_or_damaged_yunet_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="no YuNet model"):
        YuNet(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(DetectorError, match="cannot read"):
        YuNet(tmp_path / "bad.onnx")
