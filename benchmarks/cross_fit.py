"""Make a teacher's answers by cross-fitting: a network fine-tuned in K folds answers each face out of fold.

    python benchmarks/cross_fit.py work/utkcal224 --also work/appa224 --also work/aaf224 --also work/lfw224 \
        --recipe flagship --set teacher=null --set loss.teacher=0 --folds 4 --output work/teacher.npz

The training faces of all packs are dealt out to the folds with their subjects and copies, evenly by age and
gender. Each fold is a run of 'agelens train', which goes on where it was stopped; its best epoch is chosen on
the first pack's ``val``. The network that has not seen a face answers eight views of it; their mean is what
``agelens train --teacher`` reads, and what a student hears is no memory of the label. Other splits teach
nobody; how well the folds together read ``val`` is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from agelens import ages
from agelens.data.manifest import write_manifest
from agelens.data.pack import MANIFEST_FILE, PACK_FILE, Pack
from agelens.data.soft_labels import write_soft_labels
from agelens.data.split import split_samples
from agelens.faces.images import resize_to_square
from agelens.files import folder_written_whole
from agelens.inference.answers import Reading, average, concatenate
from agelens.labels import GENDERS, NUM_AGES, Sample
from agelens.training.fit import fit
from agelens.training.provenance import Hardware
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.run import RunFolder
from agelens.training.task import AgeGenderTask

BATCH = 256

#: Stands for the fold of a face that is not of ``train``.
NO_FOLD = -1


class View(NamedTuple):
    """How a face is looked at once more."""

    turn: float = 0.0  # radians
    zoom: float = 1.0
    shift: float = 0.0  # of the side, along both
    mirrored: bool = False


LOOKS = (View(), View(zoom=1.07), View(zoom=0.95), View(0.06, shift=0.02))
VIEWS = (*LOOKS, *(look._replace(turn=-look.turn, mirrored=True) for look in LOOKS))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="has splits train and val")
    parser.add_argument("--also", type=Path, action="append", default=[], help="further packs; repeatable")
    parser.add_argument("--recipe", default="embedded-labels")
    parser.add_argument("--set", action="append", default=[], help="key of the recipe, as epochs=9")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto, cpu, gpu")
    parser.add_argument("--work", type=Path, default=Path("runs/cross-fit"), help="keeps packs and runs")
    parser.add_argument("--output", type=Path, required=True, help=".npz, for --teacher")
    options = parser.parse_args(arguments)
    if options.folds < 2:
        parser.error("--folds: a face is answered by others' networks, so that there must be two")
    sources = (options.pack, *options.also)
    packs = [Pack(folder) for folder in sources]
    recipe = load_recipe(options.recipe, options.set)
    faces = [(pack, row) for pack in packs for row in range(len(pack))]
    samples = [sample for pack in packs for sample in pack.samples]
    folds = dealt(samples, options.folds)
    val = [row for row, sample in enumerate(samples) if sample.split == "val"]
    age, gender = np.zeros((len(faces), NUM_AGES)), np.zeros((len(faces), len(GENDERS)))
    of_val = []
    for fold in range(options.folds):
        place = options.work / f"fold-{fold}"
        tables = fold_packs(fold, sources, packs, folds, place)
        task = trained(recipe, tables, place / "run", options.accelerator)
        unseen = np.flatnonzero(folds == fold)
        told = answered(task, [faces[row] for row in unseen])
        age[unseen], gender[unseen] = told.age, told.gender
        print(f"fold {fold}, held out: {figures([samples[row] for row in unseen], told)}", flush=True)
        of_val.append(answered(task, [faces[row] for row in val]))
    print(f"val, all folds: {figures([samples[row] for row in val], average(of_val))}")
    rows = np.flatnonzero(folds != NO_FOLD)
    images = [Path(samples[row].image) for row in rows]
    write_soft_labels(options.output, images, age[rows], gender[rows])
    print(f"{options.output}: answers for {len(images):,} faces")


def dealt(samples: Sequence[Sample], folds: int) -> NDArray[np.int64]:
    """The fold of every sample of ``train``; ``NO_FOLD`` for the others."""
    dealt_out = np.full(len(samples), NO_FOLD)
    train = [row for row, sample in enumerate(samples) if sample.split == "train"]
    ratio = {str(fold): 1 / folds for fold in range(folds)}
    split = split_samples([samples[row] for row in train], ratio, again=True)
    dealt_out[train] = [int(sample.split) for sample in split]
    return dealt_out


def fold_packs(
    fold: int, sources: Sequence[Path], packs: Sequence[Pack], folds: NDArray[np.int64], place: Path
) -> list[Path]:
    """Packs of the same images that lack what the fold holds out, in ``place``."""
    ends = np.cumsum([len(pack) for pack in packs])
    parts = zip(sources, packs, np.split(folds, ends[:-1]), strict=True)
    return [without(fold, *part, place / f"pack-{number}") for number, part in enumerate(parts)]


def trained(recipe: Recipe, tables: Sequence[Path], output: Path, accelerator: str) -> AgeGenderTask:
    """The best epoch of a run, which is gone on with where it was begun."""
    run = RunFolder(output)
    settings = recipe.model_copy(update={"also": tuple(tables[1:])})
    fit(settings, tables[0], output, resume=run.last.exists(), hardware=Hardware(accelerator, devices=1))
    device = "cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu"
    return AgeGenderTask.of_checkpoint(run.best).eval().to(device)


def without(fold: int, source: Path, pack: Pack, folds: NDArray[np.int64], folder: Path) -> Path:
    """A pack of the same images, whose split ``train`` lacks one fold, and which has but ``val`` besides."""

    def split(sample: Sample, of: int) -> str:
        if sample.split == "val":
            return "val"
        return "train" if of not in (fold, NO_FOLD) else "held-out"

    rows = [replace(sample, split=split(sample, of)) for sample, of in zip(pack.samples, folds, strict=True)]
    with folder_written_whole(folder) as partial:
        write_manifest(partial / MANIFEST_FILE, rows)
        for path in (*source.glob("images-*.npy"), source / PACK_FILE):
            (partial / path.name).symlink_to(path.resolve())
    return folder


@torch.inference_mode()
def answered(task: AgeGenderTask, faces: Sequence[tuple[Pack, int]]) -> Reading:
    """What a network says of the rows of packs: the mean of the views."""
    readings = []
    for start in range(0, len(faces), BATCH):
        batch = [resize_to_square(pack[row], task.recipe.size) for pack, row in faces[start : start + BATCH]]
        images = torch.from_numpy(np.stack(batch)).to(task.device).permute(0, 3, 1, 2).float()
        logits = [task(looked_at(images, view)) for view in VIEWS]
        readings.append(
            average([Reading(*(one.softmax(1).cpu().numpy() for one in each)) for each in logits])
        )
    return concatenate(readings)


def looked_at(images: Tensor, view: View) -> Tensor:
    """(B, 3, S, S) faces turned, enlarged and shifted about their centre, and mirrored."""
    cosine, sine = np.cos(view.turn) / view.zoom, np.sin(view.turn) / view.zoom
    side = -1.0 if view.mirrored else 1.0
    back = [[side * cosine, -sine, 2 * view.shift], [side * sine, cosine, 2 * view.shift]]
    matrix = torch.tensor(back, dtype=images.dtype, device=images.device).expand(len(images), 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def figures(samples: Sequence[Sample], reading: Reading) -> str:
    years = np.array([np.nan if one.point_age is None else one.point_age for one in samples])
    genders = np.array([-1 if one.gender is None else one.gender.position for one in samples])
    error = np.abs(ages.expectation(reading.age) - years)
    right = (reading.gender.argmax(1) == genders)[genders >= 0]
    return f"{len(samples):,} faces, MAE {np.nanmean(error):.2f}, gender {right.mean():.1%}"


if __name__ == "__main__":
    main()
