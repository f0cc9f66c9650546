from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

import agelens
from agelens.errors import DetectorError
from agelens.faces.boxes import iou
from agelens.faces.detection.haar import Haar
from agelens.faces.detection.views import View
from agelens.faces.detection.yunet import OVERLAP, YuNet
from agelens.faces.images import open_image


def test_yunet_finds_the_astronaut_with_five_landmarks(astronaut: Path, yunet: Path) -> None:
    (found,) = YuNet(yunet).detect(open_image(astronaut).pixels)
    assert iou(found.box, (180, 65, 268, 180)) > 0.6
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks[:2], [[201, 102], [246, 103]], atol=10)
    assert 0.7 <= found.score <= 1


@pytest.mark.parametrize("threshold", [0.7, 0.3])
def test_it_sees_what_opencv_does(threshold: float, photos: Path, yunet: Path) -> None:
    faces = 0
    for photo in sorted(photos.glob("*.jpg")):
        pixels = View(open_image(photo).pixels, 0.5, 16).pixels
        theirs = cv2.FaceDetectorYN.create(str(yunet), "", pixels.shape[1::-1], threshold, OVERLAP)
        _, rows = theirs.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        rows = np.empty((0, 15)) if rows is None else rows
        ours = sorted(YuNet(yunet).look(pixels, threshold), key=lambda found: -found.score)
        assert len(ours) == len(rows)
        for found, row in zip(ours, rows, strict=True):
            assert found.score == pytest.approx(row[14], abs=1e-4)
            np.testing.assert_allclose(found.box, [*row[:2], *(row[:2] + row[2:4])], atol=0.05)
            np.testing.assert_allclose(found.landmarks, row[4:14].reshape(5, 2), atol=0.05)
        faces += len(ours)
    assert faces > 10


@pytest.mark.parametrize(
    ("photo", "faces"),
    [("couple.jpg", 2), ("img10.jpg", 1), ("img37.jpg", 1), ("img40.jpg", 1), ("img22.jpg", 1)],
)
def test_both_detectors_agree_on_clear_photos(photo: str, faces: int, photos: Path, yunet: Path) -> None:
    pixels = open_image(photos / photo).pixels
    sharp, plain = YuNet(yunet).detect(pixels), Haar().detect(pixels)
    assert len(sharp) == len(plain) == faces
    for face in sharp:
        assert max(iou(face.box, other.box) for other in plain) > 0.4


def test_yunet_finds_the_crowd_largest_first(photos: Path, yunet: Path) -> None:
    found = YuNet(yunet).detect(open_image(photos / "selfie-many-people.jpg").pixels)
    assert len(found) >= 5
    sides = [face.side for face in found]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (31, 33), (2000, 3)])
def test_a_picture_of_any_shape_is_looked_at(shape: tuple[int, int], yunet: Path) -> None:
    assert YuNet(yunet).detect(np.zeros((*shape, 3), np.uint8)) == []


def test_a_detector_may_be_shared_between_threads(astronaut: Path, yunet: Path) -> None:
    pixels = open_image(astronaut).pixels
    for detector in (YuNet(yunet), Haar()):
        alone = detector.detect(pixels)[0].box
        with ThreadPoolExecutor(4) as pool:
            boxes = [found[0].box for found in pool.map(detector.detect, [pixels] * 12)]
        assert boxes == [alone] * 12


def test_a_missing_damaged_foreign_or_rigid_yunet_is_a_sentence(tmp_path: Path, yunet: Path) -> None:
    with pytest.raises(DetectorError, match="no YuNet model"):
        YuNet(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(DetectorError, match="cannot be loaded"):
        YuNet(tmp_path / "bad.onnx")
    embedded = agelens.load("embedded", "whole").bundle.model
    with pytest.raises(DetectorError, match="is not YuNet"):
        YuNet(embedded)
    model = onnx.load(yunet)
    for side in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        side.dim_value = 640
    onnx.save(model, tmp_path / "rigid.onnx")
    with pytest.raises(DetectorError, match="2026may"):
        YuNet(tmp_path / "rigid.onnx")


def test_memory_that_was_given_back_is_taken_again(yunet: Path, astronaut: Path) -> None:
    network, pixels = YuNet(yunet), open_image(astronaut).pixels
    (before,) = network.detect(pixels)
    network.release()
    (after,) = network.detect(pixels)
    assert after.box == before.box
