"""Let a trained model answer the training faces as a teacher, beside the teacher it learnt from.

    python benchmarks/second_teacher.py work/utkcal224 --also work/appa224 --also work/aaf224 \
        --also work/lfw224 --model efficientnet-b4 --with work/teacher.npz --output work/teachers.npz

A face is answered with its mirror image. The model has seen the labels of these faces, and the teacher of
``cross_fit.py`` has not: the mean of both, or of more, is what ``agelens train --teacher`` reads.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from agelens.data.pack import Pack
from agelens.data.soft_labels import read_soft_labels, write_soft_labels
from agelens.faces.images import Pixels, resize_to_square
from agelens.inference.answers import Reading, average, concatenate
from agelens.inference.predictor import Predictor
from agelens.inference.runtimes import RuntimeName

#: Faces in memory at once.
CHUNK = 512


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="its split 'train' is answered")
    parser.add_argument("--also", type=Path, action="append", default=[], help="further packs; repeatable")
    parser.add_argument("--model", default="efficientnet-b4", help="by name or folder")
    parser.add_argument("--runtime", default="onnxruntime", choices=get_args(RuntimeName))
    parser.add_argument(
        "--with",
        dest="others",
        type=Path,
        action="append",
        default=[],
        help="another teacher's answers of all these faces; repeatable, and the mean of all is written",
    )
    parser.add_argument("--output", type=Path, required=True, help=".npz, for --teacher")
    options = parser.parse_args(arguments)
    predictor = Predictor(options.model, "whole", runtime=options.runtime)
    images: list[Path] = []
    readings: list[Reading] = []
    for folder in (options.pack, *options.also):
        pack = Pack(folder)
        rows = [row for row, sample in enumerate(pack.samples) if sample.split == "train"]
        images += [Path(pack.samples[row].image) for row in rows]
        for faces in chunks(pack, rows, predictor.bundle.spec.input.size):
            readings.append(predictor.read_faces(faces, flip=True))
            print(f"\r{folder}: {sum(len(one.age) for one in readings):,} faces", end="", flush=True)
        print()
    reading = concatenate(readings)
    others = [read_soft_labels(file).of(images) for file in options.others]
    reading = average([reading, *(Reading(other.age, other.gender) for other in others)])
    write_soft_labels(options.output, images, reading.age, reading.gender)
    print(f"{options.output}: answers for {len(images):,} faces")


def chunks(pack: Pack, rows: Sequence[int], size: int) -> Iterator[list[Pixels]]:
    """The faces of some rows, so many at a time, at the network's size."""
    for part in np.split(np.asarray(rows), range(CHUNK, len(rows), CHUNK)):
        yield [resize_to_square(pack[row], size) for row in part]


if __name__ == "__main__":
    main()
