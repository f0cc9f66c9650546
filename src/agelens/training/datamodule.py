"""From manifests and packs to the loaders of train, val and test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, cast

import lightning as L
import numpy as np
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, Dataset

from agelens.data.manifest import read_manifest
from agelens.data.pack import Pack, is_pack
from agelens.data.problems import Problem
from agelens.data.soft_labels import SoftLabels, read_soft_labels
from agelens.errors import ImageError, ManifestError
from agelens.faces.images import Pixels, open_image
from agelens.labels import GENDERS, Sample
from agelens.models.spec import HEADS, Head
from agelens.training.dataset import Batch, FaceDataset, ImageFiles, Images
from agelens.training.recipe import Recipe
from agelens.training.sampler import EpochSampler, balancing_weights

#: Images in a batch where nothing is learnt; only memory bounds it.
EVALUATION_BATCH = 256

_SPLITS = ("train", "val", "test")


class TableRow(NamedTuple):
    """A usable row of a table: its number there, its label, its file."""

    row: int
    sample: Sample
    path: Path


class FaceDataModule(L.LightningDataModule):
    """Loads the splits ``train``, ``val`` and ``test`` of a manifest file or a pack's folder.

    ``splits`` holds the usable rows of each split. Images that cannot be read are left out before the first
    epoch and named in ``problems``. Of the recipe's further tables ``also`` only ``train`` is used, and its
    ``teacher`` must know every training image.

    Raises:
        ManifestError: a table is neither a manifest nor a pack, or has no usable row in ``train`` (or
            ``source`` none in ``val``), or the teacher and the recipe do not fit.
    """

    def __init__(self, source: Path, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.problems: list[Problem] = []
        images, rows = self._open(source)
        tables = [images]
        self.splits = {name: [row for row in rows if row.sample.split == name] for name in _SPLITS}
        for path in recipe.also:
            offset = sum(map(len, tables))
            images, rows = self._open(path)
            more = [row._replace(row=row.row + offset) for row in rows if row.sample.split == "train"]
            if not more:
                raise ManifestError(f"{path} has no usable image in split 'train' to learn from")
            self.splits["train"] += more
            tables.append(images)
        self._images: Images = ConcatDataset(cast("list[Dataset[Pixels]]", tables))  # in all but the name
        for split in ("train", "val"):
            if not self.splits[split]:
                raise ManifestError(
                    f"{source} has no usable image in split {split!r}; 'agelens data split' deals out splits"
                )
        self._teacher = self._soft_labels()

    @property
    def hint_features(self) -> int:
        """How many features the teacher gives; 0 without a teacher."""
        return 0 if self._teacher is None else self._teacher.features.shape[1]

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads that the training split teaches: of those with a weight in the loss, the labelled ones.

        A teacher's answers count where they enter a target, and a gender that alone occurs teaches nothing.
        """
        loss, taught = self.recipe.loss, self._dataset("train", train=True)
        genders = np.unique(taught.gender_target[taught.gender_target.any(axis=1)].argmax(axis=1))
        learnt = {
            "age": loss.age + loss.expectation > 0 and bool(taught.age_target.any()),
            "gender": loss.gender > 0 and len(genders) == len(GENDERS),
        }
        if not any(learnt.values()):
            raise ManifestError(
                "split 'train' teaches nothing: it holds no ages and not both genders, or the recipe's loss "
                "has no weight for what it holds"
            )
        return tuple(head for head in HEADS if learnt[head])

    def train_dataloader(self) -> DataLoader[Batch]:
        """The training split, augmented and shuffled; an incomplete last batch is left out."""
        return self._loader("train", min(self.recipe.batch_size, len(self.splits["train"])), train=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The whole split, in order."""
        return self._loader("val", EVALUATION_BATCH, train=False)

    def test_dataloader(self) -> DataLoader[Batch]:
        """The whole split, in order."""
        return self._loader("test", EVALUATION_BATCH, train=False)

    def _loader(self, split: str, batch_size: int, *, train: bool) -> DataLoader[Batch]:
        recipe, trainer, dataset = self.recipe, self.trainer, self._dataset(split, train=train)
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

    def _dataset(self, split: str, *, train: bool) -> FaceDataset:
        recipe, rows = self.recipe, self.splits[split]
        return FaceDataset(
            self._images,
            [row.row for row in rows],
            [row.sample for row in rows],
            size_at=(lambda epoch: recipe.size_at(epoch + 1)) if train else lambda epoch: recipe.size,
            loss=recipe.loss,
            augmentation=recipe.augment if train else None,
            seed=recipe.seed,
            teacher=self._teacher if train else None,
        )

    def _soft_labels(self) -> SoftLabels | None:
        """The teacher's answers for the training images, in their order."""
        path, loss = self.recipe.teacher, self.recipe.loss
        if path is None:
            if loss.teacher + loss.hint > 0:
                raise ManifestError("the recipe learns from a teacher; name its answers with --teacher")
            return None
        if loss.teacher + loss.hint == 0:
            raise ManifestError(
                f"nothing is learnt from {path}: set loss.teacher or loss.hint, or leave it out"
            )
        teacher = read_soft_labels(path).of([row.path for row in self.splits["train"]])
        if loss.hint > 0 and teacher.features.shape[1] == 0:
            raise ManifestError(f"{path} holds no features, which loss.hint needs; set loss.hint=0")
        return teacher

    def _open(self, source: Path) -> tuple[Images, list[TableRow]]:
        """The images of a manifest or pack, and its usable rows; the others join the problems."""
        if is_pack(source):
            pack = Pack(source)
            return pack, [TableRow(row, one, Path(one.image)) for row, one in enumerate(pack.samples)]
        manifest = read_manifest(source)
        paths = [manifest.path(sample) for sample in manifest.samples]

        def fault(path: Path) -> str | None:
            try:
                open_image(path, self.recipe.size)
            except ImageError as error:
                return str(error)
            return None

        with ThreadPoolExecutor(max(2, self.recipe.workers)) as pool:
            faults = list(pool.map(fault, paths))
        self.problems += [Problem(f"row {row}", told) for row, told in enumerate(faults, start=1) if told]
        rows = map(TableRow, range(len(paths)), manifest.samples, paths)
        return ImageFiles(paths, self.recipe.size), [one for one in rows if faults[one.row] is None]


def _already_a_batch(batch: Any) -> Any:
    """The dataset reads whole batches, so there is nothing to collate."""
    return batch
