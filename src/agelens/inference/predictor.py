"""From images to answers: align their faces, run the network, answer from the distributions."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from agelens import ages, conformal
from agelens.errors import ImageError
from agelens.faces import quality
from agelens.faces.detection import make_detector
from agelens.faces.detection.base import Detection, Detector, DetectorName
from agelens.faces.detection.search import SearchOptions
from agelens.faces.images import MAX_PIXELS, Pixels, Source
from agelens.faces.memory import Budget, Unbounded
from agelens.inference.aligning import AlignedFaces, Aligner, LargestFace, name_of
from agelens.inference.answers import Answer, Face, Reading, average, concatenate
from agelens.inference.options import LEVEL, AnswerOptions
from agelens.inference.runtimes import RuntimeName, device_of, load_network
from agelens.inference.sources import ImageRef
from agelens.labels import GENDERS
from agelens.models.bundle import Bundle
from agelens.models.catalogue import EMBEDDED, resolve
from agelens.models.spec import HEADS
from agelens.parallel import map_ahead

logger = logging.getLogger(__name__)


class Predictor:
    """Answers faces with one bundle and one detector; safe to share between threads.

    Nothing of it changes once it is made, and its methods keep what they work on to themselves. ONNX Runtime
    takes calls from several threads at a time, OpenVINO here one after another; Haar has a cascade a thread.
    """

    def __init__(
        self,
        model: str | Path | Bundle = EMBEDDED,
        detector: Detector | DetectorName = "auto",
        *,
        runtime: RuntimeName = "onnxruntime",
        threads: int | None = None,
        batch_size: int = 32,
        yunet: Path | None = None,
        search: SearchOptions = SearchOptions(),
        max_pixels: int = MAX_PIXELS,
        max_faces: int | None = None,
        budget: Budget = Unbounded(),
    ) -> None:
        """Load a model for repeated use.

        Args:
            model: ``embedded``, a bundle or its folder, or an address such as ``hf://owner/repo``.
            detector: ``auto``, ``yunet``, ``haar``, ``whole`` (the picture is an aligned face), or an object.
            runtime: what computes the network.
            threads: that the network computes with, and that images are opened in; None for all cores.
            batch_size: faces the network sees at once.
            yunet: YuNet's file, where it is not in the cache.
            search: how YuNet searches a picture: the first view's size, parts, turns.
            max_pixels: images that would unfold into more are refused.
            max_faces: images with more are refused; None for no limit.
            budget: memory for images that are opened, and searched for faces, at the same time.

        Raises:
            AgeLensError: CUDA was asked for, and is not here.
            BundleError: there is no such model, it is damaged, or the runtime cannot load it.
            DetectorError: the detector cannot be had.
            HubError: the model lies on a hub and cannot be fetched.
            MissingExtraError: the runtime or the hub's client is not installed.
        """
        self.bundle = bundle = model if isinstance(model, Bundle) else resolve(model)
        self.runtime = runtime
        if isinstance(detector, str):
            detector = make_detector(detector, yunet, search, device_of(runtime))
        self.detector = detector
        self.threads = threads or _available_cores()
        self._batch_size = batch_size
        self._unlearnt = [head for head in HEADS if head not in bundle.spec.heads]
        self._aligner = Aligner(
            self.detector,
            bundle.spec.crop,
            bundle.spec.input.size,
            max_pixels=max_pixels,
            max_faces=max_faces,
            budget=budget,
        )
        self._network = load_network(bundle.model, runtime, self.threads)
        logger.info(
            "model %s from %s, on %s with %d threads; detector %s",
            bundle.spec.name, bundle.folder, runtime, self.threads, self.detector.name,
        )  # fmt: skip
        # pixels / 255 normalised, as one multiplication and one addition
        std = np.asarray(bundle.spec.input.std, dtype=np.float32)
        self._gain = (1 / (255 * std)).reshape(3, 1, 1)
        self._offset = (-np.asarray(bundle.spec.input.mean, dtype=np.float32) / std).reshape(3, 1, 1)

    def predict(
        self, image: Source, options: AnswerOptions = AnswerOptions(), *, name: str | None = None
    ) -> list[Face]:
        """Answer every face of one image, the largest first; empty where there is none.

        Args:
            image: a path, bytes, a binary file, a Pillow image, or a uint8 RGB array.
            options: how faces are answered.
            name: what errors call the image; None for its path.

        Raises:
            ImageError: the image cannot be read.
        """
        aligned = self._align(image, name, options)
        return list(next(self.infer([aligned], options)).faces)

    def predict_many(
        self, images: Iterable[Source | ImageRef], options: AnswerOptions = AnswerOptions()
    ) -> Iterator[Answer]:
        """Answer many images, in order; one that cannot be read is answered with its error.

        Images are opened in threads, ahead of the network; some hundred are in memory at once.
        """
        window = 2 * self._batch_size
        detect = partial(self.detect, options=options)
        aligned = map_ahead(detect, images, self.threads, ahead=window)
        while together := list(islice(aligned, window)):
            yield from self.infer(together, options)

    def detect(self, image: Source | ImageRef, options: AnswerOptions = AnswerOptions()) -> AlignedFaces:
        """Open an image and align its faces, for ``infer``; an error is kept, not raised."""
        one = image if isinstance(image, ImageRef) else ImageRef("", image)
        try:
            if one.error is not None:
                raise ImageError(one.error)
            aligned = self._align(one.source, one.name or None, options)
        except ImageError as error:
            aligned = AlignedFaces(Answer(name_of(one.source, one.name or None), error=str(error)))
        return aligned if one.row is None else replace(aligned, answer=replace(aligned.answer, row=one.row))

    def infer(
        self, images: Sequence[AlignedFaces], options: AnswerOptions = AnswerOptions()
    ) -> Iterator[Answer]:
        """Run the network on the faces of several images at once: one answer an image, in order."""
        reading = self.read_faces([crop for one in images for crop in one.crops], flip=options.flip)
        pictures = np.array([value for one in images for value in one.qualities])
        detections = [found for one in images for found in one.detections]
        faces = iter(self.answer(detections, reading, self.qualities(pictures, reading), options))
        for one in images:
            yield replace(one.answer, faces=tuple(islice(faces, len(one.detections))))

    def answer(
        self,
        detections: Sequence[Detection],
        reading: Reading,
        qualities: NDArray[np.float64],
        options: AnswerOptions,
    ) -> list[Face]:
        """The faces of n detections, their (n,) qualities and what the network answered for them."""
        points = ages.point(reading.age, options.point)
        bounds = self.intervals(reading, options.level)
        likelier = reading.gender.argmax(axis=-1)
        faces = [
            Face.answered(
                options,
                box=found.box,
                detection=found.score,
                turn=90 * found.turn,
                quality=float(qualities[row]),
                age=float(points[row]),
                age_interval=(float(bounds[row, 0]), float(bounds[row, 1])),
                gender=GENDERS[likelier[row]],
                gender_probability=float(reading.gender[row, likelier[row]]),
                age_probabilities=reading.age[row],
            )
            for row, found in enumerate(detections)
        ]
        return [face.without(self._unlearnt) for face in faces]

    def qualities(self, pictures: NDArray[np.float64], reading: Reading) -> NDArray[np.float64]:
        """The quality of n faces, (n,) in 0..1, by the part that their pictures decide and their answers."""
        age = None if "age" in self._unlearnt else reading.age
        return quality.of_answers(pictures, age, self.bundle.spec.calibration.quality, self.detector.name)

    def read_faces(self, crops: Sequence[Pixels] | NDArray[np.uint8], *, flip: bool = False) -> Reading:
        """Run the network on aligned faces: (n, S, S, 3) uint8 RGB, S the bundle's input size.

        ``flip`` averages each face's answer with its mirror image's.

        Raises:
            ValueError: crops of another shape or type.
        """
        size = self.bundle.spec.input.size
        for crop in crops:
            if crop.shape != (size, size, 3) or crop.dtype != np.uint8:
                raise ValueError(f"a crop must be uint8 ({size}, {size}, 3), not {crop.dtype} {crop.shape}")
        if flip:
            return average([self.read_faces(crops), self.read_faces([crop[:, ::-1] for crop in crops])])
        empty = np.zeros((0, len(self.bundle.spec.ages)), np.float32)
        batches = [Reading(empty, np.zeros((0, len(GENDERS)), np.float32))]
        began = perf_counter()
        for start in range(0, len(crops), self._batch_size):
            batches.append(self._run(np.stack(list(crops[start : start + self._batch_size]))))
        logger.debug("faces: %d, read in %.1f ms", len(crops), 1000 * (perf_counter() - began))
        return concatenate(batches)

    def intervals(self, reading: Reading, level: float = LEVEL) -> NDArray[np.float64]:
        """The age intervals of n faces, calibrated where the bundle is: (n, 2) years."""
        return conformal.interval(reading.age, level, self.bundle.spec.calibration.age_intervals)

    def crop_largest(self, image: Source) -> LargestFace:
        """The aligned square of the largest face; the whole picture where none is found.

        Raises:
            ImageError: the image cannot be read.
        """
        return self._aligner.largest(image)

    def _align(self, image: Source, name: str | None, options: AnswerOptions) -> AlignedFaces:
        began = perf_counter()
        aligned = self._aligner.align(image, name, lenient=options.lenient)[0]
        seen, took = aligned.answer, 1000 * (perf_counter() - began)
        faces = len(aligned.crops)
        logger.debug("%d × %d pixels, faces: %d, found in %.1f ms", seen.width, seen.height, faces, took)
        return aligned

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


#: ``agelens.load("embedded")``: the same, as an application says it.
load = Predictor

_embedded = cache(Predictor)


def predict(
    image: Source, options: AnswerOptions = AnswerOptions(), *, name: str | None = None
) -> list[Face]:
    """Answer every face of one image with the embedded model; see ``Predictor.predict``."""
    return _embedded().predict(image, options, name=name)


def _available_cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
