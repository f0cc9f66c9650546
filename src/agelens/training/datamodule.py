"""From a manifest or a pack to loaders of train, val and test."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
from torch.utils.data import BatchSampler, DataLoader

from agelens.data.manifest import Manifest, read_manifest
from agelens.data.pack import Pack, is_pack
from agelens.data.problems import Problem
from agelens.data.soft_labels import read_soft_labels
from agelens.errors import ImageError, ManifestError
from agelens.faces.images import open_image
from agelens.labels import Sample
from agelens.training.faces import (
    Batch,
    EpochSampler,
    FaceDataset,
    ImageFiles,
    Images,
    ImageTables,
    balancing_weights,
)
from agelens.training.recipe import Recipe

#: Images a batch where nothing is learnt; only memory bounds it.
EVALUATION_BATCH = 256


class Face(NamedTuple):
    """A usable row of a table: its number there, its label, its file."""

    row: int
    sample: Sample
    path: Path


class _Table(NamedTuple):
    images: Images
    faces: list[Face]


class FaceDataModule(L.LightningDataModule):
    """Loads the splits ``train``, ``val`` and ``test`` of a manifest file or a pack's folder.

    Images that cannot be read are left out before the first epoch and named in ``problems``.
    """

    def __init__(
        self,
        source: Path,
        recipe: Recipe,
        *,
        also: Sequence[Path] = (),
        teacher: Path | None = None,
    ) -> None:
        """Open the tables.

        Args:
            source: a manifest or a pack.
            recipe: how to read it.
            also: further manifests or packs, of which only ``train`` is used.
            teacher: soft answers for every training image; see ``data.soft_labels``.

        Raises:
            ManifestError: one is neither, or has no usable row in ``train`` (``source`` also: in ``val``), or
                the teacher does not know a training image.
        """
        super().__init__()
        self.source = source
        self.recipe = recipe
        self.problems: list[Problem] = []
        tables = [self._open(table) for table in (source, *also)]
        self._images: Images = ImageTables([table.images for table in tables])
        self.splits = {
            split: [face for face in tables[0].faces if face.sample.split == split]
            for split in ("train", "val", "test")
        }
        offset = len(tables[0].images)
        for path, table in zip(also, tables[1:], strict=True):
            more = [face for face in table.faces if face.sample.split == "train"]
            if not more:
                raise ManifestError(f"{path} has no usable image in split 'train' to train on also")
            self.splits["train"] += [face._replace(row=face.row + offset) for face in more]
            offset += len(table.images)
        for split in ("train", "val"):
            if not self.splits[split]:
                raise ManifestError(
                    f"{source} has no usable image in split {split!r}; 'agelens data split' deals out splits"
                )
        self._teacher = (
            read_soft_labels(teacher).of([face.path for face in self.splits["train"]]) if teacher else None
        )
        if self._teacher is None and recipe.loss.teacher + recipe.loss.hint > 0:
            raise ManifestError("the recipe learns from a teacher; name its answers with --teacher")

    @property
    def hint_features(self) -> int:
        """How many features the teacher gives; 0 without."""
        return 0 if self._teacher is None else self._teacher.features.shape[1]

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
        recipe, trainer, faces = self.recipe, self.trainer, self.splits[split]
        dataset = FaceDataset(
            self._images,
            [face.row for face in faces],
            [face.sample for face in faces],
            size_at=recipe.size_at if train else lambda epoch: recipe.size,
            loss=recipe.loss,
            augmentation=recipe.augment if train else None,
            seed=recipe.seed,
            teacher=self._teacher if train else None,
        )
        weights = balancing_weights(dataset.age, recipe.balance) if train and recipe.balance else None
        sampler = EpochSampler(
            len(dataset),
            shuffle=train,
            seed=recipe.seed,
            limit=recipe.limit_train if train else 0,
            rank=trainer.global_rank if trainer else 0,
            processes=trainer.world_size if trainer else 1,
            weights=weights,
        )
        return DataLoader(
            dataset,
            batch_sampler=BatchSampler(sampler, batch_size, drop_last=train),  # type: ignore[arg-type]
            collate_fn=_already_a_batch,
            num_workers=recipe.workers if train else 0,
            persistent_workers=train and recipe.workers > 0,
            pin_memory=trainer is not None and trainer.strategy.root_device.type == "cuda",
        )

    def _open(self, source: Path) -> _Table:
        if is_pack(source):
            pack = Pack(source)
            return _Table(
                pack, [Face(row, sample, Path(sample.image)) for row, sample in enumerate(pack.samples)]
            )
        manifest = read_manifest(source)
        files = ImageFiles([manifest.path(sample) for sample in manifest.samples], self.recipe.size)
        return _Table(files, self._readable(manifest))

    def _readable(self, manifest: Manifest) -> list[Face]:
        def check(sample: Sample) -> str | None:
            try:
                open_image(manifest.path(sample), self.recipe.size)
            except ImageError as error:
                return str(error)
            return None

        with ThreadPoolExecutor(max(2, self.recipe.workers)) as pool:
            faults = list(pool.map(check, manifest.samples))
        self.problems += [
            Problem(f"row {number}", fault)
            for number, fault in enumerate(faults, start=1)
            if fault is not None
        ]
        return [
            Face(row, sample, manifest.path(sample))
            for row, (sample, fault) in enumerate(zip(manifest.samples, faults, strict=True))
            if fault is None
        ]


def _already_a_batch(batch: Any) -> Any:
    """The dataset reads whole batches, so there is nothing to collate."""
    return batch
