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
from agelens.labels import NUM_AGES, Gender, Sample
from agelens.models.bundle import Bundle, copy_bundle, write_bundle
from agelens.models.spec import BundleSpec, Head, InputSpec

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("AGELENS_SHARED", ROOT.parent / "shared"))
YUNET = Path(__file__).parent / "assets" / "face_detection_yunet_2026may.onnx"


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the person's cache, their TrackIO runs, or the network."""
    monkeypatch.setenv("AGELENS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path_factory.mktemp("trackio")))
    monkeypatch.delenv("AGELENS_YUNET", raising=False)
    monkeypatch.setattr("agelens.faces.detection.weights.URL", "http://127.0.0.1:9/nowhere")


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """A public-domain portrait (NASA) that ships with the project."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def yunet() -> Path:
    """YuNet's file, which a user of the package fetches from OpenCV's zoo."""
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
def shared_utkface() -> Path:
    """UTKFace: tar files of aligned chips."""
    folder = SHARED / "data" / "utkface"
    if not folder.is_dir():
        pytest.skip(f"UTKFace is not at {folder}")
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


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Bundle:
    """A whole bundle of 300 KB: a linear network on 16×16 pixels, with weights drawn at random."""
    from onnx import TensorProto, helper, numpy_helper, save

    rng = np.random.default_rng(0)
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 16, 16])]
    nodes, outputs, weights = [helper.make_node("Flatten", ["images"], ["flat"])], [], []
    for name, width in (("age_logits", NUM_AGES), ("gender_logits", 2)):
        matrix = rng.normal(0, 0.3, (768, width)).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f"{name}_weight"))
        nodes.append(helper.make_node("MatMul", ["flat", f"{name}_weight"], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width]))
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    folder = tmp_path / "tiny-bundle"
    folder.mkdir()
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10),
        folder / "model.onnx",
    )
    spec = BundleSpec(
        name="tiny",
        input=InputSpec(size=16, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
        licence="CC0-1.0: random numbers",
        files={},
    )
    return write_bundle(folder, spec, {})


@pytest.fixture
def ages_alone(tiny_bundle: Bundle, tmp_path: Path) -> Bundle:
    """A copy of the tiny bundle that has learnt no genders."""
    return _copy_with_head(tiny_bundle, "age", tmp_path / "ages-alone")


@pytest.fixture
def genders_alone(tiny_bundle: Bundle, tmp_path: Path) -> Bundle:
    """A copy of the tiny bundle that has learnt no ages."""
    return _copy_with_head(tiny_bundle, "gender", tmp_path / "genders-alone")


def _copy_with_head(bundle: Bundle, head: Head, folder: Path) -> Bundle:
    folder.mkdir()
    copy_bundle(bundle, folder)
    return write_bundle(folder, bundle.spec.model_copy(update={"heads": (head,)}), {})


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of 160 + 64 + 64 synthetic faces that a tiny network learns in seconds."""
    return write_synthetic(tmp_path_factory.mktemp("synthetic"), {"train": 160, "val": 64, "test": 64})


@pytest.fixture
def chips(tmp_path: Path) -> Path:
    """Forty small pictures in two folders, two of them broken."""
    rng = np.random.default_rng(0)
    for number in range(40):
        path = tmp_path / "chips" / f"{number % 2}" / f"{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 255, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((90, 90), Image.Resampling.BICUBIC).save(path)
    (tmp_path / "chips" / "0" / "010.jpg").write_bytes(b"nonsense")
    (tmp_path / "chips" / "1" / "011.jpg").write_bytes(b"")
    return tmp_path / "chips"
