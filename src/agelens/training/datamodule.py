"""From a manifest or a pack to loaders of train, val and test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lightning as L
from torch.utils.data import BatchSampler, DataLoader

from agelens.data.manifest import Manifest, read_manifest
from agelens.data.pack import Pack, is_pack
from agelens.data.readers.report import Problem
from agelens.errors import ImageError, ManifestError
from agelens.images import open_image
from agelens.labels import Sample
from agelens.training.faces import Batch, EpochSampler, FaceDataset, ImageFiles, Images
from agelens.training.recipe import Recipe

#: Images a batch where nothing is learnt; only memory bounds it.
EVALUATION_BATCH = 256


class FaceDataModule(L.LightningDataModule):
    """Loads the splits ``train``, ``val`` and ``test`` of a manifest file or a pack's folder.

    Images that cannot be read are left out before the first epoch and named in ``problems``.
    """

    def __init__(self, source: Path, recipe: Recipe) -> None:
        """Open the table; ``source`` is a manifest or a pack.

        Raises:
            ManifestError: it is neither, or has no usable row in ``train`` or ``val``.
        """
        super().__init__()
        self.source = source
        self.recipe = recipe
        self.problems: list[Problem] = []
        self._images: Images
        if is_pack(source):
            pack = Pack(source)
            self._images = pack
            rows = list(enumerate(pack.samples))
        else:
            manifest = read_manifest(source)
            self._images = ImageFiles([manifest.path(sample) for sample in manifest.samples], recipe.size)
            rows = self._readable(manifest)
        self.splits = {
            split: [(row, sample) for row, sample in rows if sample.split == split]
            for split in ("train", "val", "test")
        }
        for split in ("train", "val"):
            if not self.splits[split]:
                raise ManifestError(
                    f"{source} has no usable image in split {split!r}; 'agelens data split' deals out splits"
                )

    def train_dataloader(self) -> DataLoader[Batch]:
        """Augmented and shuffled; incomplete last batches are left out."""
        recipe = self.recipe
        return self._loader("train", min(recipe.batch_size, len(self.splits["train"])), train=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The whole split, in order."""
        return self._loader("val", EVALUATION_BATCH, train=False)

    def test_dataloader(self) -> DataLoader[Batch]:
        """The whole split, in order."""
        return self._loader("test", EVALUATION_BATCH, train=False)

    def _loader(self, split: str, batch_size: int, *, train: bool) -> DataLoader[Batch]:
        recipe, trainer = self.recipe, self.trainer
        dataset = FaceDataset(
            self._images,
            [row for row, _ in self.splits[split]],
            [sample for _, sample in self.splits[split]],
            size=recipe.size,
            sigma=recipe.loss.sigma,
            augmentation=recipe.augment if train else None,
            seed=recipe.seed,
        )
        sampler = EpochSampler(
            len(dataset),
            shuffle=train,
            seed=recipe.seed,
            limit=recipe.limit_train if train else 0,
            rank=trainer.global_rank if trainer else 0,
            processes=trainer.world_size if trainer else 1,
        )
        return DataLoader(
            dataset,
            batch_sampler=BatchSampler(sampler, batch_size, drop_last=train),  # type: ignore[arg-type]
            collate_fn=_already_a_batch,
            num_workers=recipe.workers if train else 0,
            persistent_workers=train and recipe.workers > 0,
            pin_memory=trainer is not None and trainer.strategy.root_device.type == "cuda",
        )

    def _readable(self, manifest: Manifest) -> list[tuple[int, Sample]]:
        def check(sample: Sample) -> str | None:
            try:
                open_image(manifest.path(sample), self.recipe.size)
            except ImageError as error:
                return str(error)
            return None

        with ThreadPoolExecutor(max(2, self.recipe.workers)) as pool:
            faults = list(pool.map(check, manifest.samples))
        self.problems = [
            Problem(f"row {number}", fault)
            for number, fault in enumerate(faults, start=1)
            if fault is not None
        ]
        return [
            (row, sample)
            for row, (sample, fault) in enumerate(zip(manifest.samples, faults, strict=True))
            if fault is None
        ]


def _already_a_batch(batch: Any) -> Any:
    """The dataset reads whole batches, so there is nothing to collate."""
    return batch
