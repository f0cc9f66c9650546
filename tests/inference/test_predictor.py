from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import agelens
from agelens import ages
from agelens.errors import ImageError
from agelens.faces.crop import crop_face
from agelens.faces.detection.base import Detection
from agelens.faces.detection.search import bytes_to_detect
from agelens.faces.images import open_image, open_regions
from agelens.faces.memory import Unbounded
from agelens.faces.quality import QualityScale
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import Predictor
from agelens.inference.sources import ImageRef
from agelens.models.bundle import Bundle
from agelens.models.spec import Calibration


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
    (narrow,), (wide,) = (predictor.predict(astronaut, AnswerOptions(level=level)) for level in (0.5, 0.95))
    assert (narrow.interval_level, wide.interval_level) == (0.5, 0.95)
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


def test_the_options_are_honoured(astronaut: Path, predictor: Predictor) -> None:
    (plain,) = predictor.predict(astronaut)
    options = AnswerOptions(at_least=30, min_quality=1.0, point="median")
    (asked,) = predictor.predict(astronaut, options)
    assert asked.age == pytest.approx(float(ages.quantile(plain.age_probabilities, 0.5)), abs=1e-6)
    assert asked.age != plain.age
    assert asked.at_least_probability == plain.probability_at_least(30)
    assert asked.refused == f"quality {plain.quality:.2f} is below 1"
    (answer,) = predictor.predict_many([astronaut], options)
    assert answer.faces == (asked,)


def test_flipping_averages_a_face_with_its_mirror_image(astronaut: Path, predictor: Predictor) -> None:
    aligned = predictor.detect(astronaut)
    (crop,) = aligned.crops
    both = predictor.read_faces([crop, crop[:, ::-1]])
    (face,) = predictor.predict(astronaut, AnswerOptions(flip=True))
    np.testing.assert_allclose(face.age_probabilities, both.age.mean(axis=0), atol=1e-6)
    assert face.gender_probability == pytest.approx(both.gender.mean(axis=0).max(), abs=1e-6)


def test_whoever_asks_for_an_image_names_it(astronaut: Path, predictor: Predictor) -> None:
    named = [ImageRef("she", astronaut.read_bytes()), ImageRef("text.jpg", b"nonsense")]
    good, bad = predictor.predict_many(named)
    assert (good.image, len(good.faces)) == ("she", 1)
    assert bad.image == "text.jpg"
    assert str(bad.error).startswith("text.jpg: is not an image")
    with pytest.raises(ImageError, match=r"^me: is not an image"):
        predictor.predict(b"nonsense", name="me")
    assert predictor.detect(str(astronaut)).answer.image == str(astronaut)
    assert predictor.detect(astronaut.read_bytes()).answer.image == "(in memory)"


def test_a_row_comes_back_with_its_answer_and_its_error(astronaut: Path, predictor: Predictor) -> None:
    rows = [ImageRef("she", astronaut, {"id": 7}), ImageRef("t#2", b"", {"id": 8}, "t#2: holds no image")]
    good, bad = predictor.predict_many(rows)
    assert (len(good.faces), good.row) == (1, {"id": 7})
    assert (bad.image, bad.error, bad.row) == ("t#2", "t#2: holds no image", {"id": 8})


def test_more_faces_than_allowed_are_an_error_that_names_the_image(photos: Path, yunet: Path) -> None:
    predictor = agelens.load("embedded", "yunet", yunet=yunet, max_faces=1)
    (answer,) = predictor.predict_many([ImageRef("two", photos / "couple.jpg")])
    assert answer.error == "two: holds 2 faces, over the limit of 1"
    assert not predictor.crop_largest(np.zeros((99, 99, 3), np.uint8)).found


def test_crops_of_another_size_or_type_are_refused(predictor: Predictor) -> None:
    side = predictor.bundle.spec.input.size
    for crop in (np.zeros((side, side - 1, 3), np.uint8), np.zeros((side, side, 3), np.float32)):
        with pytest.raises(ValueError, match=rf"must be uint8 \({side}, {side}, 3\), not"):
            predictor.read_faces([crop])  # type: ignore[list-item]


def test_an_image_without_a_face_is_opened_once(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "grey.png")
    opened: list[object] = []

    def counted(source: Path, *arguments: object, **options: object) -> object:
        opened.append(source)
        return open_image(source, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("agelens.inference.aligning.open_image", counted)
    assert not predictor.crop_largest(tmp_path / "grey.png").found
    assert len(opened) == 1


def test_yunet_reads_the_real_photos(photos: Path, yunet: Path) -> None:
    answers = list(agelens.load("embedded", "yunet", yunet=yunet).predict_many(sorted(photos.glob("*.jpg"))))
    found = {Path(answer.image).name: [str(face.gender) for face in answer.faces] for answer in answers}
    assert sorted(found["couple.jpg"]) == ["female", "male"]
    assert len(found["selfie-many-people.jpg"]) >= 5
    assert found["img40.jpg"] == ["male"]
    assert found["img22.jpg"] == ["female"]


def test_a_cut_file_is_read_if_leniency_is_asked(
    predictor: Predictor, astronaut: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(astronaut.read_bytes()[: int(0.9 * astronaut.stat().st_size)])
    lenient = AnswerOptions(lenient=True)
    with pytest.raises(ImageError, match="the option 'lenient'"):
        predictor.predict(cut)
    (whole,), (face,) = predictor.predict(astronaut), predictor.predict(cut, lenient)
    assert face.age == pytest.approx(whole.age, abs=1.5)
    strict, mended = (next(predictor.predict_many([cut], options)) for options in (AnswerOptions(), lenient))
    assert strict.error is not None
    assert len(mended.faces) == 1
    assert predictor.detect(cut).answer.error is not None
    assert len(predictor.detect(cut, lenient).detections) == 1


def test_an_answer_tells_how_many_frames_there_are(predictor: Predictor, astronaut: Path) -> None:
    buffer = io.BytesIO()
    with Image.open(astronaut) as image:
        image.save(buffer, "TIFF", save_all=True, append_images=[image, image])
    (answer,) = predictor.predict_many([buffer.getvalue()])
    assert (answer.frames, len(answer.faces)) == (3, 1)


@pytest.fixture
def panorama(astronaut: Path) -> Image.Image:
    """The portrait large, and small beside it: there, reduced, it is coarser than the network's input."""
    with Image.open(astronaut) as image:
        canvas = Image.new("RGB", (5200, 2600), "grey")
        canvas.paste(image.resize((2048, 2048), Image.Resampling.LANCZOS), (100, 100))
        canvas.paste(image.resize((450, 450), Image.Resampling.LANCZOS), (3500, 1200))
    return canvas


def test_small_faces_are_cut_from_the_original_and_large_ones_are_not(
    panorama: Image.Image, yunet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[int, int, int, int]] = []

    def watched(source: object, regions: list[tuple[int, int, int, int]], **options: object) -> object:
        looked.extend(regions)
        return open_regions(source, regions, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("agelens.inference.aligning.open_regions", watched)
    predictor = agelens.load("embedded", "yunet", yunet=yunet)
    aligned = predictor.detect(panorama)
    assert len(aligned.crops) == 2
    ((left, top, right, bottom),) = looked
    assert 3500 <= left < right <= 3950
    assert 1200 <= top < bottom <= 1650
    spec, small = predictor.bundle.spec, aligned.detections[1]
    whole = crop_face(np.asarray(panorama), small, "yunet", spec.crop, spec.input.size)
    assert np.abs(aligned.crops[1].astype(int) - whole).max() <= 2


def test_an_image_that_the_caller_has_opened_stays_as_it_is(
    astronaut: Path, yunet: Path, tmp_path: Path
) -> None:
    wide = Image.new("RGB", (4000, 2500), (120, 130, 140))
    with Image.open(astronaut) as image:
        wide.paste(image.resize((340, 340)), (2000, 500))
    wide.save(tmp_path / "wide.jpg", quality=95)
    yunet_predictor = Predictor(detector="yunet", yunet=yunet)
    with Image.open(tmp_path / "wide.jpg") as mine:
        (face,) = yunet_predictor.predict(mine)  # a small one, for which the picture is opened again
        assert mine.size == (4000, 2500)
        assert yunet_predictor.predict(mine) == [face]
        (by_path,) = yunet_predictor.predict(tmp_path / "wide.jpg")
    assert face.box == pytest.approx(by_path.box, abs=6)


def test_a_face_answers_the_same_whoever_stands_beside_it(panorama: Image.Image, yunet: Path) -> None:
    predictor = agelens.load("embedded", "yunet", yunet=yunet)
    alone = panorama.copy()
    alone.paste("grey", (3500, 1200, 3950, 1650))
    large, _ = predictor.predict(panorama)
    assert [face.to_dict() for face in predictor.predict(alone)] == [large.to_dict()]


def test_the_budget_is_held_while_a_picture_is_decoded_and_searched(astronaut: Path, yunet: Path) -> None:
    held: list[float] = []

    class Watched(Unbounded):
        def held(self, size: float, *, decoding: bool = False) -> AbstractContextManager[None]:
            held.append(size)
            return super().held(size, decoding=decoding)

    budget = Watched()
    predictor = agelens.load("embedded", "yunet", yunet=yunet, budget=budget)
    predictor.predict(astronaut)
    assert held == [4 * 512 * 512, bytes_to_detect(np.zeros((512, 512, 3), np.uint8))]
    budget.relieve()  # the network's memory is given back, and it goes on
    assert len(predictor.predict(astronaut)) == 1


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


def test_a_model_answers_only_what_it_has_learnt(
    tiny_bundle: Bundle, ages_alone: Bundle, genders_alone: Bundle, astronaut: Path
) -> None:
    (aged,) = agelens.load(ages_alone, "whole").predict(astronaut)
    assert (aged.gender, aged.gender_probability) == (None, None)
    assert aged.age is not None
    (gendered,) = agelens.load(genders_alone, "whole").predict(astronaut, AnswerOptions(at_least=18))
    assert (gendered.age, gendered.age_interval, gendered.at_least_probability) == (None, None, None)
    assert gendered.gender is not None
    (both,) = agelens.load(tiny_bundle, "whole").predict(astronaut)
    assert (both.age, both.gender) == (aged.age, gendered.gender)


def test_quality_is_a_share_by_the_scale_of_the_detector_that_found_the_face(
    tiny_bundle: Bundle, astronaut: Path
) -> None:
    (plain,) = agelens.load(tiny_bundle, "haar").predict(astronaut)
    scale = QualityScale(ages=(), entropy=(), quantiles={"haar": tuple(np.linspace(0.999, 1, 101))})
    spec = tiny_bundle.spec.model_copy(update={"calibration": Calibration(quality=scale)})
    scaled = Bundle(tiny_bundle.folder, spec)
    (face,) = agelens.load(scaled, "haar").predict(astronaut, AnswerOptions(min_quality=0.1))
    assert plain.quality > 0
    assert (face.quality, face.refused) == (0, "quality 0.00 is below 0.1")
    (unknown,) = agelens.load(scaled, "whole").predict(astronaut)
    (as_before,) = agelens.load(tiny_bundle, "whole").predict(astronaut)
    assert unknown.quality == as_before.quality
