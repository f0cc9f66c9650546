"""From images to answers: open, find faces, align them, run the network, read the distributions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agelens import ages, conformal
from agelens.errors import ImageError
from agelens.faces import quality
from agelens.faces.crop import crop_face
from agelens.faces.detection import make_detector
from agelens.faces.detection.base import Detection, Detector, DetectorName
from agelens.faces.images import MAX_PIXELS, Pixels, Source, open_image, resize_to_square
from agelens.inference.answers import LEVEL, Answer, Face, Reading
from agelens.inference.runtimes import RuntimeName, load_network
from agelens.labels import GENDERS
from agelens.models.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Found:
    """An opened image and its aligned faces, on the way to the network."""

    answer: Answer
    detections: tuple[Detection, ...] = ()
    crops: tuple[Pixels, ...] = ()
    qualities: tuple[float, ...] = ()  # of the pictures, 0..1


class LargestFace(NamedTuple):
    """The largest face of a picture, for the network.

    Attributes:
        crop: (S, S, 3) uint8 RGB.
        found: False where no face was found, and the crop is the whole picture.
        quality: of the picture, 0..1; 0 where no face was found.
    """

    crop: Pixels
    found: bool
    quality: float


class Predictor:
    """Reads faces with one bundle and one detector; safe to share between threads."""

    def __init__(
        self,
        bundle: Bundle,
        detector: Detector | DetectorName = "auto",
        *,
        batch_size: int = 32,
        threads: int | None = None,
        runtime: RuntimeName = "onnxruntime",
        yunet: Path | None = None,
        max_pixels: int = MAX_PIXELS,
        max_faces: int | None = None,
    ) -> None:
        """Load the network.

        Args:
            bundle: the model.
            detector: by name, or any object that detects.
            batch_size: faces the network sees at once.
            threads: that the network computes with, and that images are opened in; None for all cores.
            runtime: what computes the network.
            yunet: YuNet's file, where it is not in the cache.
            max_pixels: images that would unfold into more are refused.
            max_faces: images with more are refused; None for no limit.

        Raises:
            BundleError: the runtime cannot load the model.
            MissingExtraError: the runtime is not installed.
            DetectorError: the detector cannot be had.
        """
        self.bundle = bundle
        self.runtime = runtime
        self.detector = make_detector(detector, yunet) if isinstance(detector, str) else detector
        self._batch_size = batch_size
        self._threads = threads or _available_cores()
        self._max_pixels = max_pixels
        self._max_faces = max_faces
        self._network = load_network(bundle.model, runtime, self._threads)
        # pixels / 255 normalised, as one multiplication and one addition
        std = np.asarray(bundle.spec.input.std, dtype=np.float32)
        self._gain = (1 / (255 * std)).reshape(3, 1, 1)
        self._offset = (-np.asarray(bundle.spec.input.mean, dtype=np.float32) / std).reshape(3, 1, 1)

    def predict(self, image: Source, level: float = LEVEL) -> list[Face]:
        """Read every face of one image, the largest first; empty where there is none.

        Raises:
            ImageError: the image cannot be read.
        """
        found = self._find(image)
        return list(next(self.read_found([found], level)).faces)

    def predict_many(self, images: Iterable[Source], level: float = LEVEL) -> Iterator[Answer]:
        """Read many images, in order; one that cannot be read is answered with its error.

        Images are opened in threads, a window ahead of the network, and faces are batched across images; some
        hundred are in memory at once.
        """
        source = iter(images)
        pool = ThreadPoolExecutor(self._threads)

        def next_window() -> list[Future[Found]]:
            return [pool.submit(self.find_faces, one) for one in islice(source, 2 * self._batch_size)]

        try:
            window = next_window()
            while window:
                following = next_window()  # its faces are found while the network reads these
                yield from self.read_found((found.result() for found in window), level)
                window = following
        finally:
            pool.shutdown(cancel_futures=True)

    def read_faces(self, crops: Sequence[Pixels] | NDArray[np.uint8]) -> Reading:
        """Run the network on aligned faces: (n, S, S, 3) uint8 RGB, S the bundle's input size."""
        batches = [
            self._run(np.stack(list(crops[start : start + self._batch_size])))
            for start in range(0, len(crops), self._batch_size)
        ]
        if not batches:
            empty = np.zeros((0, len(self.bundle.spec.ages)), np.float32)
            return Reading(empty, np.zeros((0, len(GENDERS)), np.float32))
        return Reading(
            np.concatenate([batch.age for batch in batches]),
            np.concatenate([batch.gender for batch in batches]),
        )

    def intervals(self, reading: Reading, level: float = LEVEL) -> NDArray[np.float64]:
        """The age intervals of n faces, calibrated where the bundle is: (n, 2) years."""
        return conformal.interval(reading.age, level, self.bundle.spec.calibration.age_intervals)

    def crop_largest(self, image: Source) -> LargestFace:
        """The aligned square of the largest face; the whole picture where none is found.

        Raises:
            ImageError: the image cannot be read.
        """
        found = self._find(image, limit=1)
        if found.crops:
            return LargestFace(found.crops[0], True, found.qualities[0])
        whole = open_image(image, max_pixels=self._max_pixels).pixels
        return LargestFace(resize_to_square(whole, self.bundle.spec.input.size), False, 0.0)

    def _run(self, crops: Pixels) -> Reading:
        inputs = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32)
        inputs *= self._gain
        inputs += self._offset
        age_logits, gender_logits = self._network(inputs)
        calibration = self.bundle.spec.calibration
        return Reading(
            ages.softmax(age_logits, calibration.age_temperature, calibration.age_offsets),
            ages.softmax(gender_logits, calibration.gender_temperature),
        )

    def find_faces(self, image: Source) -> Found:
        """Open an image and cut its faces out, for ``read_found``; an error is kept, not raised."""
        try:
            return self._find(image)
        except ImageError as error:
            return Found(Answer(_name(image), error=str(error)))

    def _find(self, image: Source, limit: int | None = None) -> Found:
        if hasattr(image, "read"):
            image = image.read()  # small faces may need a second look
        picture = open_image(image, max_pixels=self._max_pixels)
        detections = tuple(self.detector.detect(picture.pixels)[:limit])
        if self._max_faces is not None and len(detections) > self._max_faces:
            raise ImageError(f"holds {len(detections)} faces, over the limit of {self._max_faces}")
        scale, size = picture.scale, self.bundle.spec.input.size
        pixels = picture.pixels
        if scale < 1 and any(found.side < size for found in detections):
            # The reduced picture is coarser than the network's input for these faces; the original is not.
            pixels = open_image(image, max_side=None, max_pixels=self._max_pixels).pixels
            detections = tuple(_rescaled(found, 1 / scale) for found in detections)
            scale = 1.0
        spec = self.bundle.spec
        crops = tuple(crop_face(pixels, found, self.detector.name, spec.crop, size) for found in detections)
        answer = Answer(_name(image), picture.width, picture.height)
        detections = tuple(_rescaled(found, 1 / scale) for found in detections)
        qualities = tuple(
            quality.of_picture(found.score, found.side, crop)
            for found, crop in zip(detections, crops, strict=True)
        )
        return Found(answer, detections, crops, qualities)

    def read_found(self, found: Iterable[Found], level: float = LEVEL) -> Iterator[Answer]:
        """Run the network on the faces of several images at once: one answer an image, in order."""
        window = list(found)
        reading = self.read_faces([crop for one in window for crop in one.crops])
        mean = ages.expectation(reading.age)
        bounds = self.intervals(reading, level)
        pictures = np.array([value for one in window for value in one.qualities])
        trusted = quality.of_answers(pictures, reading.age)
        row = 0
        for one in window:
            faces = []
            for detection in one.detections:
                likelier = int(reading.gender[row].argmax())
                faces.append(
                    Face(
                        box=detection.box,
                        detection=detection.score,
                        age=float(mean[row]),
                        age_interval=(float(bounds[row, 0]), float(bounds[row, 1])),
                        interval_level=level,
                        gender=GENDERS[likelier],
                        gender_probability=float(reading.gender[row, likelier]),
                        age_probabilities=reading.age[row],
                        quality=float(trusted[row]),
                    )
                )
                row += 1
            answer = one.answer
            yield Answer(answer.image, answer.width, answer.height, tuple(faces), answer.error)


def _rescaled(detection: Detection, factor: float) -> Detection:
    if factor == 1:
        return detection
    x0, y0, x1, y1 = (value * factor for value in detection.box)
    landmarks = None if detection.landmarks is None else detection.landmarks * factor
    return Detection((x0, y0, x1, y1), detection.score, landmarks)


def _name(image: Source) -> str:
    return str(image) if isinstance(image, str | Path) else "(in memory)"


def _available_cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
