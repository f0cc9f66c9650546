from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.data.archives import IMAGE_SUFFIXES
from agelens.data.manifest import Manifest
from agelens.faces.chips import ChipCheck, check_chips, look, offset
from agelens.faces.crop import CropConvention
from agelens.faces.detection.base import Detection
from agelens.faces.detection.haar import Haar
from agelens.faces.detection.yunet import YuNet


@pytest.fixture(params=["yunet", "haar"])
def detector(request: pytest.FixtureRequest, yunet: Path) -> YuNet | Haar:
    return YuNet(yunet) if request.param == "yunet" else Haar()


def paths(manifest: Manifest) -> list[Path]:
    return [manifest.path(sample) for sample in manifest.samples]


def test_aligned_chips_are_passed_in_silence(utkface_val: Manifest, detector: YuNet | Haar) -> None:
    found = look(paths(utkface_val), detector=detector)
    assert found.pictures >= 25
    assert found.loose <= 1
    assert found.sentence is None


def test_loose_photos_are_told_with_what_to_do(photos: Path, detector: YuNet | Haar) -> None:
    files = sorted(path for path in photos.iterdir() if path.suffix in IMAGE_SUFFIXES)
    sentence = look(files, detector=detector).sentence
    assert sentence is not None
    assert sentence.startswith("6 of 6 pictures looked at are no aligned faces")
    assert "--detector auto" in sentence


def test_crops_with_a_wide_margin_are_told_apart(
    appa_real: Path, tmp_path: Path, detector: YuNet | Haar
) -> None:
    import tarfile

    with tarfile.open(appa_real / "val.tar") as archive:
        members = archive.getmembers()[:40]
        archive.extractall(tmp_path, members, filter="data")
    found = look([tmp_path / member.name for member in members], detector=detector)
    assert found.loose > 0.9 * found.pictures
    assert found.sentence is not None


def test_only_pictures_that_are_read_whole_are_looked_at(
    photos: Path, yunet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    files = sorted(photos.iterdir())
    assert check_chips(files, "auto") is None
    assert check_chips(files, "whole") is not None


def test_pictures_that_say_nothing_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"nonsense")
    Image.new("RGB", (90, 90), "grey").save(tmp_path / "grey.png")
    found = look([tmp_path / "bad.jpg", tmp_path / "gone.jpg", tmp_path / "grey.png"], detector=Haar())
    assert found == ChipCheck(0, 0)
    assert found.sentence is None
    assert look([], detector=Haar()).sentence is None


def test_a_few_odd_pictures_among_chips_are_no_reason_to_speak() -> None:
    assert ChipCheck(32, 7).sentence is None
    assert ChipCheck(32, 8).sentence is not None
    assert ChipCheck(1, 1).sentence is None


def test_the_offset_is_measured_in_shares_of_the_picture() -> None:
    convention = CropConvention()
    landmarks = np.array(convention.landmarks) * (300, 200)
    assert offset(Detection((0, 0, 9, 9), 1.0, landmarks), (200, 300), "yunet", convention) == pytest.approx(
        0
    )
    moved = Detection((0, 0, 9, 9), 1.0, landmarks + np.array([30, 0]))
    assert offset(moved, (200, 300), "yunet", convention) == pytest.approx(0.1)
    box = tuple(100 * value + 20 for value in convention.boxes["haar"])
    assert offset(Detection(box, 1.0), (100, 100), "haar", convention) == pytest.approx(0.2 * 2**0.5)  # type: ignore[arg-type]
    assert offset(Detection(box, 1.0), (100, 100), "mine", convention) == 0  # type: ignore[arg-type]
