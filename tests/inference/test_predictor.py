from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import agelens
from agelens import ages
from agelens.errors import BundleError, ImageError
from agelens.faces.detection.base import Detection
from agelens.faces.images import open_image
from agelens.inference.predictor import Predictor
from agelens.inference.runtimes import RuntimeName
from agelens.models.bundle import Bundle
from agelens.models.catalogue import resolve


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return agelens.load("embedded", "haar")


def test_a_face_is_answered_whole(predictor: Predictor, astronaut: Path) -> None:
    (face,) = predictor.predict(astronaut)
    assert face.age_interval[0] < face.age < face.age_interval[1]
    assert face.interval_level == 0.9
    assert face.age_probabilities.shape == (101,)
    assert face.age_probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert face.age == pytest.approx(float(face.age_probabilities @ np.arange(101)), abs=1e-3)
    assert 0.5 <= face.gender_probability <= 1
    assert str(face.gender) == "female"
    assert 25 < face.age < 50  # Eileen Collins was 36


def test_a_higher_level_gives_a_wider_interval(predictor: Predictor, astronaut: Path) -> None:
    (narrow,), (wide,) = predictor.predict(astronaut, level=0.5), predictor.predict(astronaut, level=0.95)
    assert wide.age_interval[0] < narrow.age_interval[0] < narrow.age_interval[1] < wide.age_interval[1]


def test_paths_bytes_and_arrays_are_answered_alike(predictor: Predictor, astronaut: Path) -> None:
    data = astronaut.read_bytes()
    (expected,) = predictor.predict(astronaut)
    for source in (
        str(astronaut),
        data,
        io.BytesIO(data),
        Image.open(astronaut),
        open_image(astronaut).pixels,
    ):
        assert predictor.predict(source) == [expected]


def test_one_bad_image_loses_none_of_the_others(
    predictor: Predictor, astronaut: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.jpg").touch()
    sources: list[Path] = [astronaut] * 70  # more than a window
    sources[33] = tmp_path / "empty.jpg"
    answers = list(predictor.predict_many(sources))
    assert len(answers) == 70
    assert [number for number, answer in enumerate(answers) if answer.error] == [33]
    assert "empty" in str(answers[33].error)
    assert all(len(answer.faces) == 1 for number, answer in enumerate(answers) if number != 33)
    assert answers[0].to_dict()["faces"][0]["gender"] == "female"


def test_no_face_is_an_answer(predictor: Predictor) -> None:
    assert predictor.predict(np.full((100, 100, 3), 128, np.uint8)) == []


def test_batches_do_not_change_answers(astronaut: Path) -> None:
    chip = open_image(astronaut).pixels[50:200, 150:300]
    side = agelens.load("embedded", "whole").bundle.spec.input.size
    faces = np.stack([np.roll(chip, shift, axis=1)[:side, :side] for shift in range(7)])
    single = agelens.load("embedded", "whole", batch_size=1).read_faces(faces)
    many = agelens.load("embedded", "whole", batch_size=7).read_faces(faces)
    np.testing.assert_allclose(single.age, many.age, atol=1e-5)
    np.testing.assert_allclose(single.gender, many.gender, atol=1e-5)
    assert agelens.load("embedded", "whole").read_faces([]).age.shape == (0, 101)


def test_a_predictor_may_be_shared_between_threads(predictor: Predictor, astronaut: Path) -> None:
    expected = predictor.predict(astronaut)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(predictor.predict, [astronaut] * 12)) == [expected] * 12


class EveryHundred:
    """A detector that finds one small face in the middle."""

    name = "haar"

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        height, width = pixels.shape[:2]
        side = min(height, width) / 100
        return [Detection((width / 2 - side, height / 2 - side, width / 2 + side, height / 2 + side), 1.0)]


def test_small_faces_of_a_huge_picture_are_cut_from_its_full_resolution() -> None:
    # Fine stripes that vanish when the picture is reduced, so a crop shows which one it came from.
    pixels = np.zeros((3000, 3000, 3), np.uint8)
    pixels[:, ::4] = 255
    pixels[:, 1::4] = 255
    largest = agelens.load("embedded", EveryHundred()).crop_largest(pixels)
    assert largest.found
    assert largest.crop.std() > 60
    (face,) = agelens.load("embedded", EveryHundred()).predict(pixels)
    assert face.box == pytest.approx((1470, 1470, 1530, 1530), abs=1)


def test_boxes_are_in_pixels_of_the_upright_original(astronaut: Path, predictor: Predictor) -> None:
    (small,) = predictor.predict(astronaut)
    large = Image.open(astronaut).resize((512 * 6, 512 * 6))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    large.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", exif=exif)
    (answer,) = predictor.predict_many([buffer.getvalue()])
    assert (answer.width, answer.height) == (3072, 3072)
    np.testing.assert_allclose(np.array(answer.faces[0].box) / 6, small.box, atol=12)


def test_an_unreadable_image_raises_when_asked_alone(predictor: Predictor) -> None:
    with pytest.raises(ImageError, match="not an image"):
        predictor.predict(b"nonsense")


def test_without_a_face_the_whole_picture_is_cropped(predictor: Predictor) -> None:
    largest = predictor.crop_largest(np.full((100, 60, 3), 99, np.uint8))
    assert not largest.found
    assert largest.quality == 0
    side = predictor.bundle.spec.input.size
    assert largest.crop.shape == (side, side, 3)


def test_a_refused_face_keeps_its_place_and_says_why(astronaut: Path, predictor: Predictor) -> None:
    (face,) = predictor.predict(astronaut)
    assert face.refusal(face.quality) is None
    values = face.to_dict(18, min_quality=1.0)
    assert values["refused"] == f"quality {face.quality:.2f} is below 1"
    for name in ("age", "age_interval", "gender", "gender_probability", "at_least_probability"):
        assert values[name] is None
    assert values["box"] == face.to_dict()["box"]
    assert face.to_dict(18)["refused"] is None


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_model_that_a_runtime_cannot_load_is_a_sentence(tmp_path: Path, runtime: RuntimeName) -> None:
    spec = resolve("embedded").spec
    (tmp_path / "model.onnx").write_bytes(b"not onnx")
    with pytest.raises(BundleError, match=f"cannot be loaded by {runtime}"):
        Predictor(Bundle(tmp_path, spec), "whole", runtime=runtime)


def test_openvino_answers_alike_from_many_threads(predictor: Predictor) -> None:
    size = predictor.bundle.spec.input.size
    crops = np.random.default_rng(0).integers(0, 255, (24, size, size, 3), dtype=np.uint8)
    other = agelens.load("embedded", "whole", runtime="openvino", threads=1)
    here = predictor.read_faces(crops)
    with ThreadPoolExecutor(4) as pool:
        there = list(pool.map(lambda row: other.read_faces(crops[row : row + 1]), range(24)))
    for row, reading in enumerate(there):
        assert abs(ages.expectation(reading.age)[0] - ages.expectation(here.age)[row]) < 0.5
        np.testing.assert_allclose(reading.gender[0], here.gender[row], atol=0.02)


def test_yunet_reads_the_real_photos(photos: Path, yunet: Path) -> None:
    answers = list(agelens.load("embedded", "yunet", yunet=yunet).predict_many(sorted(photos.glob("*.jpg"))))
    found = {Path(answer.image).name: [str(face.gender) for face in answer.faces] for answer in answers}
    assert sorted(found["couple.jpg"]) == ["female", "male"]
    assert len(found["selfie-many-people.jpg"]) >= 5
    assert found["img40.jpg"] == ["male"]
    assert found["img22.jpg"] == ["female"]


@pytest.mark.slow
@pytest.mark.parametrize(("detector", "cost"), [("yunet", 0.3)])
def test_detecting_and_aligning_costs_little_against_the_chip_itself(
    detector: str, cost: float, utkface_val: object, yunet: Path
) -> None:
    from agelens.data.manifest import Manifest
    from agelens.evaluation.run import evaluate

    assert isinstance(utkface_val, Manifest)
    some = Manifest(utkface_val.samples[::3], utkface_val.root)
    whole = evaluate(agelens.load("embedded", "whole"), some, resamples=10)
    found = evaluate(agelens.load("embedded", "yunet", yunet=yunet), some, resamples=10)
    assert found.measured.without_face <= 2
    assert found.figures["mae"].value < whole.figures["mae"].value + cost
