"""What prior correction buys: the error and the bias of the old, by power of the ages' frequencies.

    python benchmarks/flattening.py work/utkface-calibration.csv [--model embedded] [--split val ...]

On the faces that a model is calibrated on, never ``test``; the power is for ``agelens calibrate --flatten``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np

from agelens import ages, metrics
from agelens.data.manifest import read_manifest
from agelens.evaluation.calibration import calibrate
from agelens.evaluation.temperature import prior_offsets
from agelens.inference.batch import read_each
from agelens.inference.predictor import Predictor
from agelens.models.bundle import Bundle, read_bundle
from agelens.models.catalogue import resolve
from agelens.models.spec import Calibration

POWERS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--split", action="append")
    options = parser.parse_args()
    manifest, splits = read_manifest(options.manifest), options.split or ["calibration", "val"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(resolve(options.model).folder, Path(folder) / "bundle"))
        temperature = calibrate(read_bundle(copy), manifest, splits).bundle.spec.calibration.age_temperature
        spec = read_bundle(copy).spec.model_copy(
            update={"calibration": Calibration(age_temperature=temperature)}
        )
        predictor = Predictor(Bundle(copy, spec), "whole")
        samples = [sample for split in splits for sample in manifest.of_split(split).samples]
        batch = read_each(predictor, [manifest.path(sample) for sample in samples])
    truth = np.array([samples[row].age for row in batch.rows], dtype=np.float64)
    print(f"{len(truth)} faces of {' and '.join(splits)}; {(truth >= 70).sum()} of them 70 or older")
    print("ages     power    MAE   RMSE  bias from 70  calibration error of P(>= 18)")
    for start, power in [(0, 0.0), *((0, p) for p in POWERS), *((50, p) for p in POWERS)]:
        offsets = prior_offsets([manifest], power, start)
        probabilities = ages.retempered(batch.reading.age, 1.0, offsets)
        answer = ages.expectation(probabilities)
        old = truth >= 70
        mae, rmse = metrics.mae(truth, answer), metrics.rmse(truth, answer)
        bias = metrics.bias(truth[old], answer[old])
        ece = metrics.calibration_error(truth >= 18, ages.survival(probabilities, 18))
        print(f"from {start:<3} {power:>5} {mae:>6.2f} {rmse:>6.2f} {bias:>13.2f} {ece:>29.3f}")


if __name__ == "__main__":
    main()
