"""Derive the crop convention: where detectors see landmarks and boxes in UTKFace's aligned chips.

    python benchmarks/crop_geometry.py work/utkface.csv --yunet PATH [--images 3000]

Prints the mean landmarks and boxes over training chips, in shares of the chip's side; ``crop.py`` states
them. Only the split ``train`` is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from agelens.data.manifest import read_manifest
from agelens.faces.detection.base import Detector
from agelens.faces.detection.haar import Haar
from agelens.faces.detection.yunet import YuNet
from agelens.faces.images import open_image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--yunet", type=Path, required=True)
    parser.add_argument("--images", type=int, default=3000)
    options = parser.parse_args()
    manifest = read_manifest(options.manifest).of_split("train")
    rows = np.random.default_rng(0).permutation(len(manifest.samples))[: options.images]
    for detector in (YuNet(options.yunet), Haar()):
        landmarks, boxes = measure(detector, [manifest.path(manifest.samples[row]) for row in rows])
        print(f"{detector.name}: {len(boxes)} of {len(rows)} chips")
        print(
            "  box      ", np.round(np.mean(boxes, axis=0), 4).tolist(), "std", np.std(boxes, axis=0).round(3)
        )
        print("  landmarks", np.round(np.mean(landmarks, axis=0), 4).tolist())
        print("  std      ", np.std(landmarks, axis=0).round(3).tolist())


def measure(detector: Detector, paths: list[Path]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    landmarks, boxes = [], []
    for path in paths:
        pixels = open_image(path).pixels
        height, width = pixels.shape[:2]
        if not (found := detector.detect(pixels)):
            continue
        boxes.append(np.array(found[0].box) / (width, height, width, height))
        if found[0].landmarks is not None:
            landmarks.append(found[0].landmarks / (width, height))
    return landmarks, boxes


if __name__ == "__main__":
    main()
