"""What prior correction buys: the error and the bias of the old, by power of the ages' frequencies.

    python benchmarks/flattening.py work/utkface-calibration.csv work/appa-cal.csv work/aaf-cal.csv \
        --detector whole --detector yunet --detector whole --model embedded --power 0.5 --from 65 --from 76

On the faces that a model is calibrated on, never ``test``, data set by data set; the power is for ``agelens
calibrate --flatten``, the age for ``--flatten-from``. The bias is that of faces of 71 years and more.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from agelens import ages, metrics
from agelens.data.manifest import Manifest, read_manifest
from agelens.evaluation.temperature import best, losses, prior_offsets
from agelens.faces.detection.base import DetectorName
from agelens.inference.batch import read_each
from agelens.inference.predictor import Predictor
from agelens.models.bundle import Bundle
from agelens.models.catalogue import resolve
from agelens.models.spec import Calibration

OLD = 71


class Faces(NamedTuple):
    """The faces of a data set as the bare model answers them."""

    truth: NDArray[np.float64]  # (n,) years
    age: NDArray[np.float32]  # (n, 101) probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--detector", action="append", choices=get_args(DetectorName), help="one or one each")
    parser.add_argument("--model", default="embedded", help="by name or folder")
    parser.add_argument("--split", action="append", help="repeatable (default: calibration)")
    parser.add_argument("--power", type=float, action="append", help="repeatable (default: 0.3, 0.5, 1)")
    parser.add_argument("--from", dest="start", type=int, action="append", help="repeatable (default: 0, 50)")
    given = parser.parse_args()
    detectors = given.detector or ["whole"]
    if len(detectors) not in (1, len(given.manifests)):
        parser.error("name one --detector for all manifests, or one each")
    bundle = resolve(given.model)
    bare = Bundle(bundle.folder, bundle.spec.model_copy(update={"calibration": Calibration()}))
    tables = [read_manifest(path) for path in given.manifests]
    sets = [
        faces_of(table, given.split or ["calibration"], Predictor(bare, detector))
        for table, detector in zip(tables, itertools.cycle(detectors), strict=False)
    ]
    every, truth = np.concatenate([one.age for one in sets]), np.concatenate([one.truth for one in sets])
    temperature, _ = best(losses(every, np.rint(truth).astype(int)))

    names = "".join(f"{path.stem:>32}" for path in given.manifests)
    print(f"temperature {temperature:.3f}; of each set MAE, bias from {OLD}, calibration error of P(>= 18)")
    print(f"ages     power{names}")
    choices = [(0, 0.0), *itertools.product(given.start or [0, 50], given.power or [0.3, 0.5, 1.0])]
    for start, power in choices:
        offsets = prior_offsets(tables, power, start)
        told = "".join(f"{figures_of(one, temperature, offsets):>32}" for one in sets)
        print(f"from {start:<3} {power:>5}{told}", flush=True)


def faces_of(table: Manifest, splits: list[str], predictor: Predictor) -> Faces:
    """The faces of some splits of a table whose ages are exact."""
    samples = [sample for split in splits for sample in table.of_split(split).samples]
    samples = [sample for sample in samples if sample.age is not None]
    batch = read_each(predictor, [table.path(sample) for sample in samples])
    return Faces(np.array([samples[row].age for row in batch.rows], dtype=np.float64), batch.reading.age)


def figures_of(faces: Faces, temperature: float, offsets: tuple[float, ...]) -> str:
    """MAE, the bias of the old and the calibration error of P(age >= 18), with these offsets."""
    probabilities = ages.retempered(faces.age, temperature, offsets)
    answer, old = ages.expectation(probabilities), faces.truth >= OLD
    mae, bias = metrics.mae(faces.truth, answer), metrics.bias(faces.truth[old], answer[old])
    error = metrics.calibration_error(faces.truth >= 18, ages.survival(probabilities, 18))
    return f"{mae:.2f} {bias:+.2f} ({old.sum()}) {error:.3f}"


if __name__ == "__main__":
    main()
