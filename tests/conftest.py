"""What the tests share: real data where it lies beside the checkout, and synthetic faces to learn."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.data.readers.utkface import read_utkface
from agelens.labels import Gender, Sample

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("AGELENS_SHARED", ROOT.parent / "shared"))
YUNET = SHARED / "models" / "face_detection_yunet_2026may.onnx"


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the person's cache, their TrackIO runs, or the network."""
    monkeypatch.setenv("AGELENS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path_factory.mktemp("trackio")))
    monkeypatch.delenv("AGELENS_YUNET", raising=False)
    monkeypatch.setattr("agelens.yunet_weights.URL", "http://127.0.0.1:9/nowhere")


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """A public-domain portrait (NASA) that ships with the project."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def yunet() -> Path:
    """YuNet's file, from the shared folder."""
    if not YUNET.exists():
        pytest.skip(f"YuNet is not at {YUNET}")
    return YUNET


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photos with one to six faces."""
    folder = SHARED / "data" / "photos"
    if not folder.is_dir():
        pytest.skip(f"no photos at {folder}")
    return folder


@pytest.fixture(scope="session")
def appa_real() -> Path:
    """APPA-REAL: a CSV with column names of its own, and tar files."""
    folder = SHARED / "data" / "appa_real"
    if not folder.is_dir():
        pytest.skip(f"APPA-REAL is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def utkface_val(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """UTKFace's validation part as a manifest: 1,138 real chips."""
    archive = SHARED / "data" / "utkface" / "val.tar"
    if not archive.exists():
        pytest.skip(f"UTKFace is not at {archive}")
    path = tmp_path_factory.mktemp("utkface") / "val.csv"
    samples = read_utkface(archive, path).samples
    write_manifest(path, [replace(sample, split="val") for sample in samples])
    return read_manifest(path)


def synthetic_face(age: float, gender: Gender, rng: np.random.Generator, side: int = 48) -> Image.Image:
    """A picture whose brightness tells the age and whose colour the gender, under some noise."""
    level = 30 + 2.0 * age
    colour = (level, level * 0.7, level * 0.4) if gender is Gender.MALE else (level * 0.4, level * 0.7, level)
    noise = rng.normal(0, 12, (side, side, 3))
    return Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))


def write_synthetic(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """A manifest of synthetic faces with a number in each split."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for split, count in counts.items():
        for number in range(count):
            age, gender = float(rng.integers(0, 101)), (Gender.MALE, Gender.FEMALE)[number % 2]
            name = f"{split}-{number:04d}.png"
            synthetic_face(age, gender, rng).save(folder / name)
            samples.append(Sample(image=name, age=age, gender=gender, split=split, source="synthetic"))
    write_manifest(folder / "manifest.csv", samples)
    return folder / "manifest.csv"


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of 160 + 64 + 64 synthetic faces that a tiny network learns in seconds."""
    return write_synthetic(tmp_path_factory.mktemp("synthetic"), {"train": 160, "val": 64, "test": 64})
