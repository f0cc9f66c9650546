"""Measure answers on covered faces: masks, dark glasses and hands, painted on aligned chips.

    python benchmarks/covers.py work/utkface.csv --model embedded [--split test] [--images 200]

Prints, for the faces as they are and under each cover: the mean error of age, how often the 90 % interval
holds, its width, the gender accuracy, the mean quality, and the share of faces whose quality falls. The
chips are drawn with a fixed seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from agelens.cli.console import table
from agelens.data.manifest import read_manifest
from agelens.evaluation.age_checks import wilson
from agelens.faces.images import Pixels, open_image
from agelens.inference.answers import Face
from agelens.inference.predictor import Predictor
from agelens.labels import Sample
from agelens.training.covers import glasses, held_before, mask


def nothing(pixels: Pixels, rng: np.random.Generator) -> None:
    """Leave a face as it is."""


COVERS: dict[str, Callable[[Pixels, np.random.Generator], None]] = {
    "nothing": nothing,
    "a mask": mask,
    "dark glasses": glasses,
    "a hand or the like": held_before,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--split", default="test")
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    manifest = read_manifest(options.manifest).of_split(options.split)
    drawn = np.random.default_rng(0).permutation(len(manifest.samples))[: options.images]
    samples = [manifest.samples[row] for row in drawn]
    predictor = Predictor(options.model, "whole")
    lines = table("covered by", "MAE", "90 % hold", "width", "gender", "quality", "falls", right=("MAE",))
    plain: list[float] = []
    for name, cover in COVERS.items():
        faces = answer(predictor, [manifest.path(sample) for sample in samples], cover)
        plain = plain or [face.quality for face in faces]
        lines.add_row(name, *figures(samples, faces, plain))
    Console().print(lines)


def answer(
    predictor: Predictor, paths: list[Path], cover: Callable[[Pixels, np.random.Generator], None]
) -> list[Face]:
    """The answers of chips under a cover; each has a generator of its own, the same for every model."""
    chips = []
    for number, path in enumerate(paths):
        chip = open_image(path).pixels.copy()
        cover(chip, np.random.default_rng((0, number)))
        chips.append(chip)
    return [one.faces[0] for one in predictor.predict_many(chips)]


def figures(samples: list[Sample], faces: list[Face], plain: list[float]) -> list[str]:
    true = np.array([sample.point_age for sample in samples], dtype=float)
    low, high = np.array([face.age_interval for face in faces]).T
    held = int(((low <= true) & (true <= high)).sum())
    bounds = wilson(held, len(true))
    quality = np.array([face.quality for face in faces])
    return [
        f"{np.abs(np.array([face.age for face in faces]) - true).mean():.2f}",
        f"{held / len(true):.1%} [{bounds[0]:.1%}, {bounds[1]:.1%}]",
        f"{(high - low).mean():.1f}",
        f"{np.mean([face.gender == s.gender for face, s in zip(faces, samples, strict=True)]):.1%}",
        f"{quality.mean():.2f}",
        f"{np.mean(quality < plain):.0%}",
    ]


if __name__ == "__main__":
    main()
