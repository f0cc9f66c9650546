"""YuNet: the detector of choice, 230 KB, five landmarks.

OpenCV's ``FaceDetectorYN`` runs the same file; ONNX Runtime finds the same boxes with less than half of its
work (docs/results.md), and one session serves all threads.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from agelens.errors import AgeLensError, DetectorError
from agelens.faces.detection.base import Detection
from agelens.faces.detection.search import OVERLAP, Search, SearchOptions
from agelens.faces.detection.weights import FILE_NAME
from agelens.faces.images import Pixels
from agelens.faces.sessions import Device, open_session

STRIDES = (8, 16, 32)  # pixels of the view that a cell of each of the network's grids stands for

_OUTPUTS = tuple(f"{part}_{stride}" for stride in STRIDES for part in ("cls", "obj", "bbox", "kps"))

Floats = NDArray[np.float64]


class YuNet:
    """The face detector of Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023)."""

    name = "yunet"

    def __init__(
        self,
        model: Path,
        threshold: float = 0.7,
        search: SearchOptions = SearchOptions(),
        device: Device = "cpu",
    ) -> None:
        """Load the network from the ONNX file of OpenCV's zoo that accepts pictures of any height and width.

        A face counts as found from the score ``threshold``, 0..1.

        Raises:
            AgeLensError: there is no CUDA here, and it was asked for.
            DetectorError: the file is missing, cannot be loaded, is another network, or takes pictures of
                one size only.
        """
        if not model.is_file():
            raise DetectorError(f"no YuNet model at {model}")
        options = ort.SessionOptions()
        # More threads gain nothing beside the faces found at the same time in other threads.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # pictures differ in size; it would hold the memory of each twice
        try:
            self._session = open_session(model, options, device)
        except AgeLensError:
            raise
        except Exception as error:  # ONNX Runtime's errors share no public base
            raise DetectorError(f"{model} cannot be loaded as YuNet: {error}") from error
        taken, *more = self._session.get_inputs()
        given = {output.name for output in self._session.get_outputs()}
        if more or taken.name != "input" or not given.issuperset(_OUTPUTS):
            raise DetectorError(f"{model} is not YuNet; AgeLens needs {FILE_NAME}")
        if any(isinstance(side, int) for side in taken.shape[2:]):
            raise DetectorError(f"{model} takes pictures of {taken.shape} only; AgeLens needs {FILE_NAME}")
        self._search = Search(self.look, threshold, search)
        self.release()  # sets up a small first block: what later calls leave in it keeps no large one

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find faces in a (height, width, 3) uint8 RGB picture, the largest first."""
        return self._search.faces(pixels)

    def look(self, pixels: Pixels, threshold: float) -> list[Detection]:
        """The faces of this score or more in a (height, width, 3) uint8 RGB picture, taken as it is."""
        scores, boxes, landmarks = self._candidates(pixels, threshold)
        if not len(scores):
            return []
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), threshold, OVERLAP)
        corners = boxes + np.concatenate([np.zeros_like(boxes[:, :2]), boxes[:, :2]], axis=1)
        return [
            Detection(tuple(corners[index].tolist()), float(scores[index]), landmarks[index])
            for index in np.ravel(np.asarray(kept, dtype=np.int64))
        ]

    def release(self) -> None:
        """Give back the memory that the network keeps for its next picture."""
        options = ort.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._session.run(_OUTPUTS, {"input": np.zeros((1, 3, 32, 32), np.float32)}, options)

    def _candidates(self, view: Pixels, threshold: float) -> tuple[Floats, Floats, Floats]:
        """The cells above the threshold: (n,) scores, (n, 4) x, y, width, height, and (n, 5, 2) landmarks."""
        below, beside = (-side % STRIDES[-1] for side in view.shape[:2])
        blob = cv2.dnn.blobFromImage(  # blue first, 0..255
            cv2.copyMakeBorder(view, 0, below, 0, beside, cv2.BORDER_CONSTANT), swapRB=True
        )
        answer = iter(self._session.run(_OUTPUTS, {"input": blob}))
        found = []
        for stride in STRIDES:
            cls, obj, bbox, kps = (next(answer)[0].astype(np.float64) for _ in range(4))
            scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
            (sure,) = np.nonzero(scores >= threshold)
            rows, columns = np.divmod(sure, blob.shape[3] // stride)
            cells = np.stack([columns, rows], axis=1).astype(np.float64)
            sides = np.exp(bbox[sure, 2:]) * stride
            corners = (cells + bbox[sure, :2]) * stride - sides / 2
            points = (cells[:, None] + kps[sure].reshape(-1, 5, 2)) * stride
            found.append((scores[sure], np.concatenate([corners, sides], axis=1), points))
        scores, boxes, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return scores, boxes, points
