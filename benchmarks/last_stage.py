"""Train EfficientNet's last stage on, on features of the stages below it that are computed but once.

    python benchmarks/last_stage.py work/utkcal224 --also work/appa224 --also work/aaf224 --also work/lfw224 \
        --start-from models/weights/efficientnet-b4.safetensors --teacher work/teachers.npz --output runs/b4

Nearly all of the time that a processor takes to learn lies below the last stage. Here those stages answer a
few augmented views of every face, with OpenVINO, in bfloat16 where the processor multiplies it, and their
features (272 x 7 x 7 for EfficientNet-B4 at 224 pixels) are kept in files. The last stage, the attention and
the heads then learn from these for as many epochs as wanted, each of them a few minutes. The folder is a run
as 'agelens train' makes it: 'agelens export' reads it. The epoch that is kept has the least mean absolute
error, averaged over the splits ``val`` of all packs that have ages.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from timm.optim import param_groups_weight_decay
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from agelens.data.pack import Pack
from agelens.nn.efficientnet import EfficientNet
from agelens.nn.heads import AgeGenderLogits
from agelens.training.datamodule import FaceDataModule
from agelens.training.dataset import FaceDataset
from agelens.training.provenance import Hardware, record_of
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.run import RunFolder, start_of, start_record
from agelens.training.sampler import EpochSampler, balancing_weights
from agelens.training.task import AgeGenderTask

#: What differs from the recipe of the whole network.
SETTINGS = (
    "name=flagship-last-stage",
    "network.weights=null",
    "progressive={}",
    "epochs=12",
    "batch_size=128",
    "balance=0.3",
    "augment.erase=0.2",
    "loss.sigma=1.2",
    "loss.sigma_per_year=0.02",
    "optim.lr=4e-4",
    "workers=0",
)

#: Faces whose features are computed at once.
CHUNK = 64


def main(arguments: Sequence[str] | None = None) -> None:
    given = _parser().parse_args(arguments)
    tables = {"also": given.also, "teacher": given.teacher, "start_from": given.start_from}
    recipe = load_recipe("flagship", (*SETTINGS, *given.set))
    recipe = Recipe.model_validate({**recipe.model_dump(), **tables})
    run = RunFolder(given.output)
    run.check(recipe, resume=False)
    torch.manual_seed(recipe.seed)
    data = FaceDataModule(given.pack, recipe)
    task = AgeGenderTask(recipe.model_dump(mode="json"), start=False)
    start = start_of(given.start_from)
    task.take_weights(start)
    samples = {split: [row.sample for row in rows] for split, rows in data.splits.items()}
    hardware = Hardware(accelerator="cpu")
    run.write(recipe, record_of(recipe, given.pack, samples, start_record(start), hardware, heads=data.heads))

    below = compiled(Below(task), recipe.size)
    faces = data.train_dataloader().dataset
    assert isinstance(faces, FaceDataset)
    views = [features(below, faces, view, given.output / f"view{view}.npy") for view in range(given.views)]
    validation = {}
    for pack in (given.pack, *given.also):
        own = validation_faces(Pack(pack), recipe)
        if not np.isnan(own.age).all():
            validation[pack.name] = (features(below, own, 0), own)
    learn(task, faces, views, validation, run)
    for view in range(given.views):
        (given.output / f"view{view}.npy").unlink()


class Below(nn.Module):
    """What lies below the last stage: (B, S, S, 3) uint8 RGB -> (B, C, s, s) features."""

    def __init__(self, task: AgeGenderTask) -> None:
        super().__init__()
        backbone = _network(task).backbone
        self.layers = nn.Sequential(backbone.conv_stem, backbone.bn1, *backbone.blocks[:-1])
        self.mean, self.std = task.mean, task.std

    def forward(self, images: Tensor) -> Tensor:
        """(B, S, S, 3) -> (B, C, s, s)."""
        faces = images.permute(0, 3, 1, 2).float() / 255
        return self.layers((faces - self.mean) / self.std)


class LastStage(nn.Module):
    """The last stage, the pooling, the attention and the heads: features of ``Below`` -> logits."""

    def __init__(self, task: AgeGenderTask) -> None:
        super().__init__()
        network = _network(task)
        backbone = network.backbone
        self.layers = nn.Sequential(
            backbone.blocks[-1], backbone.conv_head, backbone.bn2, backbone.global_pool, network.attention
        )
        self.heads = network.heads

    def forward(self, below: Tensor) -> AgeGenderLogits:
        """(B, C, s, s) -> logits."""
        return self.heads(self.layers(below))


def compiled(module: nn.Module, size: int) -> openvino.CompiledModel:
    """A module of whole images for OpenVINO, in bfloat16 where the processor multiplies it."""
    example = torch.zeros((CHUNK, size, size, 3), dtype=torch.uint8)
    with torch.no_grad():
        model = openvino.convert_model(module.eval(), example_input=example, input=[-1, size, size, 3])
    return openvino.compile_model(
        model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    )


def validation_faces(pack: Pack, recipe: Recipe) -> FaceDataset:
    """The faces of the split ``val`` of a pack, as they are."""
    rows = [row for row, sample in enumerate(pack.samples) if sample.split == "val"]
    return FaceDataset(
        pack,
        rows,
        [pack.samples[row] for row in rows],
        size_at=lambda _epoch: recipe.size,
        loss=recipe.loss,
        augmentation=None,
        seed=recipe.seed,
    )


def features(
    below: openvino.CompiledModel, faces: FaceDataset, view: int, file: Path | None = None
) -> NDArray[np.float16]:
    """The features (n, C, s, s) of all faces, augmented as in epoch ``view``; in a file if one is named."""
    kept: Any = None
    begun = time.monotonic()
    for first in range(0, len(faces), CHUNK):
        draws = [(view, row) for row in range(first, min(first + CHUNK, len(faces)))]
        images = faces.__getitems__(draws).images.permute(0, 2, 3, 1).contiguous().numpy()
        answer = below(images)[0]
        if kept is None:
            shape = (len(faces), *answer.shape[1:])
            kept = (
                np.empty(shape, np.float16)
                if file is None
                else np.lib.format.open_memmap(file, "w+", np.float16, shape)
            )
        kept[first : first + len(draws)] = answer
    print(f"view {view} of {len(faces):,} faces: {time.monotonic() - begun:.0f} s", flush=True)
    return kept


def learn(
    task: AgeGenderTask,
    faces: FaceDataset,
    views: Sequence[NDArray[np.float16]],
    validation: dict[str, tuple[NDArray[np.float16], FaceDataset]],
    run: RunFolder,
) -> None:
    """Train the last stage; the run keeps the averaged weights of the epoch with the least error."""
    recipe, stage = task.recipe, LastStage(task)
    weights = balancing_weights(faces.age, recipe.balance) if recipe.balance else None
    sampler = EpochSampler(len(faces), shuffle=True, seed=recipe.seed, weights=weights)
    optim, steps = recipe.optim, len(faces) // recipe.batch_size
    optimizer = torch.optim.AdamW(param_groups_weight_decay(stage, optim.weight_decay), lr=optim.lr)
    scheduler = OneCycleLR(
        optimizer,
        optim.lr,
        total_steps=recipe.epochs * steps,
        pct_start=optim.warmup_epochs / recipe.epochs,
        cycle_momentum=False,
    )
    ema: Any = get_ema_multi_avg_fn(optim.ema_decay)  # type: ignore[no-untyped-call]
    average = AveragedModel(stage, multi_avg_fn=ema, use_buffers=True)
    best = np.inf
    tell("at the start", *measured(stage, validation))
    for epoch in range(recipe.epochs):
        sampler.set_epoch(epoch)
        stage.train()
        losses = []
        for rows in batches(sampler, recipe.batch_size):
            below = torch.from_numpy(views[epoch % len(views)][np.sort(rows)]).float()
            targets = (faces.age_target[np.sort(rows)], faces.gender_target[np.sort(rows)])
            with torch.autocast("cpu", torch.bfloat16):
                logits = stage(below.contiguous(memory_format=torch.channels_last))
            loss = task.loss(logits, *map(torch.from_numpy, targets)).total
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(stage.parameters(), optim.clip_norm)
            optimizer.step()
            scheduler.step()
            average.update_parameters(stage)
            losses.append(loss.item())
        error, figures = measured(average.module, validation)
        tell(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", error, figures)
        if error < best:
            best = error
            save(task, average.module, run)
            run.write_result({f"val/{name}": value for name, value in figures.items()})


def batches(sampler: EpochSampler, size: int) -> Iterator[NDArray[np.int64]]:
    """The rows of an epoch, a batch at a time; an incomplete last one is left out."""
    rows = np.array([row for _, row in sampler])
    yield from rows[: len(rows) // size * size].reshape(-1, size)


def measured(
    stage: nn.Module, validation: dict[str, tuple[NDArray[np.float16], FaceDataset]]
) -> tuple[float, dict[str, float]]:
    """The mean over the packs of their mean absolute errors, years, and the figures of each pack."""
    stage.eval()
    figures: dict[str, float] = {}
    for name, (below, faces) in validation.items():
        with torch.inference_mode():
            parts = (below[first : first + CHUNK] for first in range(0, len(below), CHUNK))
            answers = [stage(torch.from_numpy(part).float()) for part in parts]
        ages = torch.cat([answer.age for answer in answers]).softmax(1).numpy() @ np.arange(101)
        genders = torch.cat([answer.gender for answer in answers]).argmax(1).numpy()
        known = faces.gender_target.any(axis=1)
        figures[f"{name}/mae"] = float(np.nanmean(np.abs(ages - faces.age)))
        figures[f"{name}/old"] = float(np.nanmean((ages - faces.age)[faces.age >= 71]))
        right = genders == faces.gender_target.argmax(axis=1)
        figures[f"{name}/gender"] = float(right[known].mean())
    return float(np.mean([value for name, value in figures.items() if name.endswith("/mae")])), figures


def tell(when: str, error: float, figures: dict[str, float]) -> None:
    """Print the figures of an epoch on a line."""
    told = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
    print(f"{when}  mean {error:.3f}  {told}", flush=True)


def save(task: AgeGenderTask, stage: nn.Module, run: RunFolder) -> None:
    """Keep the task with the weights of a stage as the run's best checkpoint."""
    own = LastStage(task)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    own.load_state_dict(stage.state_dict())
    run.best.parent.mkdir(parents=True, exist_ok=True)
    content = {"state_dict": task.state_dict(), "hyper_parameters": dict(task.hparams)}
    torch.save(content, run.best)
    own.load_state_dict(before)


def _network(task: AgeGenderTask) -> EfficientNet:
    network = task.network
    assert isinstance(network, EfficientNet), "the last stage of an EfficientNet is meant"
    return network


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="at the network's size; its split 'train' is learnt")
    parser.add_argument("--also", type=Path, action="append", default=[], help="further packs; repeatable")
    parser.add_argument("--start-from", required=True, help="a run, its checkpoint, or a model's weights")
    parser.add_argument("--teacher", type=Path, required=True, help="answers to learn too, .npz")
    parser.add_argument("--views", type=int, default=3, help="augmented views of each face (1 GB each)")
    parser.add_argument("--set", action="append", default=[], help="section.key=value of the recipe")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    return parser


if __name__ == "__main__":
    main()
