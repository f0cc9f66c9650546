"""Images per second that reach training, by way of loading, and how long a training step waits for them.

    python benchmarks/loader.py work/utkface.csv [--images 4000] [--steps 60]

In one run and with the same augmentations and two workers: (a) torchvision's ``ImageFolder`` with PIL and
``transforms.v2``, (b) AgeLens from image files, (c) AgeLens from a pack, which is made in a temporary
folder. Then a training step of recipe ``embedded-labels`` on the CPU. Exits with 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.data.pack import write_pack
from agelens.training.augment import AugmentConfig
from agelens.training.datamodule import FaceDataModule
from agelens.training.fit import has_cpu_bfloat16
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.task import AgeGenderTask

WORKERS = 2
PACK_SIZE = 112
TARGET_SPEEDUP = 5.0
TARGET_WAITING = 0.10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    recipe = load_recipe("embedded-labels", [f"workers={WORKERS}"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        manifest = _some(read_manifest(options.manifest), options.images, folder)
        write_pack(manifest, folder / "pack", PACK_SIZE)
        loaders = {
            "(a) ImageFolder, PIL, transforms.v2": _image_folder(manifest, folder / "classes", recipe),
            "(b) AgeLens, image files": _ours(folder / "manifest.csv", recipe),
            "(c) AgeLens, pack": _ours(folder / "pack", recipe),
        }
        rates: dict[str, list[float]] = {name: [] for name in loaders}
        for _ in range(options.repeats):  # in turns, so that a busy moment hits all of them
            for name, loader in loaders.items():
                rates[name].append(images_per_second(loader))
        best = {name: max(measured) for name, measured in rates.items()}
        slowest = next(iter(best.values()))
        print(
            f"{options.images} images of UTKFace, {recipe.size} px, {WORKERS} workers; best of {len(rates)}"
        )
        for name, images in best.items():
            print(f"{name:<38} {images:8.0f} images/s  {images / slowest:5.1f} ×")
        waiting, rate = waiting_share(load_recipe("embedded-labels"), folder / "pack", options.steps)
    speedup = best["(c) AgeLens, pack"] / slowest
    print(f"training step, embedded-labels: {rate:.0f} images/s, {waiting:.1%} of it waiting for data")
    met = speedup >= TARGET_SPEEDUP and waiting < TARGET_WAITING
    print(
        f"targets (c ≥ {TARGET_SPEEDUP:g} × a, waiting < {TARGET_WAITING:.0%}): {'met' if met else 'MISSED'}"
    )
    sys.exit(0 if met else 1)


def images_per_second(loader: Iterable[object]) -> float:
    """A whole pass over the loader, workers' start included."""
    start, images = time.perf_counter(), 0
    for batch in loader:
        images += len(batch[0])  # type: ignore[index]
    return images / (time.perf_counter() - start)


def waiting_share(recipe: Recipe, pack: Path, steps: int) -> tuple[float, float]:
    """The share of training time between asking for a batch and having it, and images a second overall."""
    data = FaceDataModule(pack, recipe)
    task = AgeGenderTask(recipe.model_dump(mode="json")).train()
    optimizer = torch.optim.AdamW(task.parameters(), lr=recipe.optim.lr)
    bfloat16 = has_cpu_bfloat16()  # as Lightning trains with precision "auto"
    waited, images, done, warm = 0.0, 0, 0, 5
    begin = time.perf_counter()
    while done < steps + warm:
        batches = iter(data.train_dataloader())
        while done < steps + warm:
            asked = time.perf_counter()
            if (batch := next(batches, None)) is None:
                break
            waited += time.perf_counter() - asked
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                logits = task(batch.images)
            loss = task.loss(logits, batch.age_target, batch.gender_target).total
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(task.parameters(), recipe.optim.clip_norm)
            optimizer.step()
            done += 1
            images += len(batch.images)
            if done == warm:
                waited, images, begin = 0.0, 0, time.perf_counter()
    total = time.perf_counter() - begin
    return waited / total, images / total


def _some(manifest: Manifest, count: int, folder: Path) -> Manifest:
    """A random part of the training split, with a few rows as ``val``, which a data module asks for."""
    train = manifest.of_split("train")
    order = torch.randperm(len(train.samples), generator=torch.Generator().manual_seed(0)).tolist()
    samples = [
        replace(train.samples[row], image=str(train.path(train.samples[row]).resolve()))
        for row in order[: count + 16]
    ]
    samples[count:] = [replace(sample, split="val") for sample in samples[count:]]
    write_manifest(folder / "manifest.csv", samples)
    return read_manifest(folder / "manifest.csv")


def _image_folder(manifest: Manifest, folder: Path, recipe: Recipe) -> DataLoader[object]:
    for sample in manifest.of_split("train").samples:
        link = folder / str(sample.gender) / Path(sample.image).name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(sample.image)
    data = ImageFolder(str(folder), transform=_torchvision(recipe.augment, recipe.size))
    return DataLoader(data, batch_size=recipe.batch_size, shuffle=True, num_workers=WORKERS, drop_last=True)


def _torchvision(augment: AugmentConfig, size: int) -> v2.Compose:
    """The recipe's augmentations as torchvision has them."""
    zoom = (1 / (1 + augment.scale), 1 + augment.scale)
    return v2.Compose(
        [
            v2.Resize((size, size)),
            v2.RandomHorizontalFlip(augment.flip),
            v2.RandomAffine(augment.rotate, (augment.translate, augment.translate), zoom),
            v2.ColorJitter(augment.brightness, augment.contrast, augment.saturation, augment.hue),
            v2.RandomGrayscale(augment.grey),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.RandomErasing(augment.erase, scale=(0.02, 0.2), value="random"),
        ]
    )


def _ours(source: Path, recipe: Recipe) -> DataLoader[object]:
    return FaceDataModule(source, recipe).train_dataloader()


if __name__ == "__main__":
    main()
