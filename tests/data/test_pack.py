from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.data import pack as packing
from agelens.data.manifest import Manifest, read_manifest
from agelens.data.pack import Pack, crop_found, is_pack, write_pack
from agelens.errors import ImageError, ManifestError
from agelens.faces.crop import CropConvention, crop_face
from agelens.faces.detection.base import Detection
from agelens.faces.detection.haar import Haar
from agelens.faces.images import open_image, resize_to_square
from agelens.labels import Sample


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    rng = np.random.default_rng(0)
    samples = []
    for number in range(10):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        samples.append(Sample(f"{number}.png", age=number, split="train"))
    return Manifest(tuple(samples), tmp_path)


def test_a_pack_holds_the_resized_images_in_order(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_BYTES", 16 * 16 * 3 * 4)  # four images a shard
    seen: list[int] = []
    assert write_pack(manifest, tmp_path / "pack", 16, progress=seen.append) == []
    assert seen == list(range(1, 11))
    assert sorted(path.name for path in (tmp_path / "pack").glob("*.npy")) == [
        f"images-00{k}.npy" for k in range(3)
    ]
    pack = Pack(tmp_path / "pack")
    assert (len(pack), pack.size) == (10, 16)
    for row, sample in enumerate(manifest.samples):
        expected = resize_to_square(open_image(manifest.path(sample)).pixels, 16)
        np.testing.assert_array_equal(pack[row], expected)
        assert pack.samples[row].age == sample.age
        assert Path(pack.samples[row].image).is_absolute()


def test_unreadable_rows_are_left_out_by_name(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "3.png").write_bytes(b"nonsense")
    (problem,) = write_pack(manifest, tmp_path / "pack", 16)
    assert problem.where == "row 4"
    assert [sample.age for sample in Pack(tmp_path / "pack").samples] == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_a_crop_that_finds_no_face_leaves_the_row_out(manifest: Manifest, tmp_path: Path) -> None:
    def crop(pixels: np.ndarray, size: int) -> np.ndarray:
        if pixels[0, 0, 0] < 128:
            raise ImageError("no face was found in it")
        return resize_to_square(pixels, size)

    problems = write_pack(manifest, tmp_path / "pack", 16, crop=crop)
    assert len(problems) == 10 - len(Pack(tmp_path / "pack"))
    assert 0 < len(problems) < 10
    assert "no face" in problems[0].message


def test_a_found_face_is_packed_as_predict_feeds_it_to_the_network(astronaut: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "faceless.png")
    both = Manifest((Sample(str(astronaut), age=36), Sample("faceless.png")), tmp_path)
    finder = Haar()
    (problem,) = write_pack(both, tmp_path / "pack", 32, crop=crop_found(finder))
    assert str(problem) == "row 2: no face was found in it"
    pixels = open_image(astronaut).pixels
    expected = crop_face(pixels, finder.detect(pixels)[0], "haar", CropConvention(), 32)
    np.testing.assert_array_equal(Pack(tmp_path / "pack")[0], expected)


def test_of_several_faces_the_detectors_first_is_packed() -> None:
    class TwoFaces:
        name = "whole-box"

        def detect(self, pixels: np.ndarray) -> list[Detection]:
            return [Detection((0, 0, 40, 40), 0.9), Detection((40, 40, 60, 60), 0.9)]

    convention = CropConvention(boxes={"whole-box": (0, 0, 1, 1)})
    pixels = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    packed = crop_found(TwoFaces(), convention)(pixels, 40)
    np.testing.assert_array_equal(packed[1:-1, 1:-1], pixels[1:39, 1:39])


def test_packing_again_replaces_the_pack_but_nothing_else(manifest: Manifest, tmp_path: Path) -> None:
    write_pack(manifest, tmp_path / "pack", 16)
    write_pack(manifest, tmp_path / "pack", 24)
    assert Pack(tmp_path / "pack").size == 24
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ManifestError, match="name another folder"):
        write_pack(manifest, tmp_path / "mine", 16)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_nothing_is_written_when_nothing_can_be_packed(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file"):
        write_pack(Manifest((Sample("gone.png"),), tmp_path), tmp_path / "pack", 16)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_pack_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    assert not is_pack(tmp_path)
    with pytest.raises(ManifestError, match="agelens data pack"):
        Pack(tmp_path)
    write_pack(manifest, tmp_path / "pack", 16)
    rows = (tmp_path / "pack" / "manifest.csv").read_text().splitlines()
    (tmp_path / "pack" / "manifest.csv").write_text("\n".join(rows[:-1]))
    with pytest.raises(ManifestError, match="10 images but 9 rows"):
        Pack(tmp_path / "pack")
    about = json.loads((tmp_path / "pack" / "pack.json").read_text())
    (tmp_path / "pack" / "pack.json").write_text(json.dumps(about | {"schema_version": 7}))
    with pytest.raises(ManifestError, match="version 7"):
        Pack(tmp_path / "pack")


def test_real_chips_pack(utkface_val: Manifest, tmp_path: Path) -> None:
    some = Manifest(utkface_val.samples[:100], utkface_val.root)
    assert write_pack(some, tmp_path / "pack", 64) == []
    assert len(Pack(tmp_path / "pack")) == 100
    assert read_manifest(tmp_path / "pack" / "manifest.csv").samples[5].gender is some.samples[5].gender
