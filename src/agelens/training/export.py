"""From a run's best checkpoint to a bundle, checked against torch on real images. Needs torch."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agelens.ages import softmax
from agelens.data.manifest import Manifest, read_manifest
from agelens.data.pack import MANIFEST_FILE, is_pack
from agelens.errors import AgeLensError
from agelens.faces.images import open_image, resize_to_square
from agelens.inference.predictor import Predictor
from agelens.labels import GENDERS, NUM_AGES
from agelens.models.bundle import MODEL_FILE, Bundle, write_bundle
from agelens.models.spec import BundleSpec, InputSpec, Training
from agelens.training.provenance import initial_weights
from agelens.training.recipe import Recipe, load_recipe
from agelens.training.task import AgeGenderTask

#: Largest difference of any probability between torch and ONNX Runtime that passes for the same model.
PARITY = 1e-4

#: Images that parity is measured on.
PARITY_IMAGES = 64


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The bundle, and how far its answers lie from torch's on real images (probabilities)."""

    bundle: Bundle
    largest_difference: float
    images: int


def export_run(
    run: Path, output: Path, *, licence: str, name: str | None = None, description: str = ""
) -> ExportReport:
    """Export the best checkpoint of a run.

    Args:
        run: a run folder of ``agelens train``.
        output: the bundle's folder; replaced if it holds a bundle, and written whole or not at all.
        licence: of the weights, as the data they were trained on permits.
        name: of the model; the recipe's unless given.
        description: one sentence for the card.

    Raises:
        AgeLensError: the run has no best checkpoint, ``output`` holds something else, or parity fails.
    """
    checkpoint = run / "checkpoints" / "best.ckpt"
    if not checkpoint.is_file():
        raise AgeLensError(f"{run} has no checkpoints/best.ckpt; is it a run of 'agelens train'?")
    if output.exists() and any(output.iterdir()) and not (output / MODEL_FILE).exists():
        raise AgeLensError(f"{output} is not empty and holds no bundle; name another folder")
    recipe = load_recipe(str(run / "recipe.yaml"))
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task = AgeGenderTask.load_from_checkpoint(checkpoint, weights_only=True, map_location="cpu").eval()
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write_onnx(task, recipe, partial / MODEL_FILE)
        spec = BundleSpec(
            name=name or recipe.name,
            description=description,
            input=InputSpec(size=recipe.size, mean=recipe.mean, std=recipe.std),
            training=_training_record(run, recipe, about, task),
            licence=licence,
            files={},
        )
        bundle = write_bundle(partial, spec, {})
        difference, images = _parity(task, bundle, Path(about["data"]["path"]))
        shutil.rmtree(output, ignore_errors=True)
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return ExportReport(Bundle(output, bundle.spec), difference, images)


def _write_onnx(task: AgeGenderTask, recipe: Recipe, path: Path) -> None:
    example = torch.zeros(2, 3, recipe.size, recipe.size)
    # The exporter speaks to stdout and to the log at length; its errors are raised.
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                task.network.to(memory_format=torch.contiguous_format),
                (example,),
                path,
                input_names=["images"],
                output_names=["age_logits", "gender_logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        quiet.setLevel(level)


def _parity(task: AgeGenderTask, bundle: Bundle, source: Path) -> tuple[float, int]:
    """The largest difference of a probability on real images (noise where the data has gone)."""
    faces = _real_faces(source, bundle.spec.input.size)
    theirs = Predictor(bundle, "whole").read_faces(faces)
    with torch.inference_mode():
        logits = task(torch.from_numpy(faces).permute(0, 3, 1, 2))
    difference = max(
        float(np.abs(softmax(logits.age.numpy()) - theirs.age).max()),
        float(np.abs(softmax(logits.gender.numpy()) - theirs.gender).max()),
    )
    if theirs.age.shape[1] != NUM_AGES or theirs.gender.shape[1] != len(GENDERS):
        raise AgeLensError(f"the exported network answers {theirs.age.shape} and {theirs.gender.shape}")
    if not difference < PARITY:
        raise AgeLensError(
            f"the exported network differs from torch by {difference:.2g} in a probability; "
            f"at most {PARITY:g} passes"
        )
    return difference, len(faces)


def _real_faces(source: Path, size: int) -> NDArray[np.uint8]:
    manifest = read_manifest(source / MANIFEST_FILE if is_pack(source) else source)
    faces = []
    for sample in _spread(manifest, PARITY_IMAGES):
        with contextlib.suppress(AgeLensError):  # training has reported it already
            faces.append(resize_to_square(open_image(manifest.path(sample)).pixels, size))
    if not faces:
        raise AgeLensError(
            f"parity needs the images the run was trained on, and none of {source} can be read"
        )
    return np.stack(faces)


def _spread(manifest: Manifest, count: int) -> list[Any]:
    rows = np.random.default_rng(0).permutation(len(manifest.samples))[:count]
    return [manifest.samples[row] for row in rows]


def _training_record(run: Path, recipe: Recipe, about: dict[str, Any], task: AgeGenderTask) -> Training:
    before = about.get("started_from") or {}
    result = run / "result.json"
    record = {
        "recipe": recipe.model_dump(mode="json"),
        "initial_weights": before.get("initial_weights") or initial_weights(recipe),
        "started_from": before or None,  # an earlier run, whose data the weights have seen too
        "parameters": sum(parameter.numel() for parameter in task.network.parameters()),
        "run": run.resolve().name,
        **{key: about[key] for key in ("git_commit", "versions", "images")},
        "data_sha256": about["data"]["sha256"],
        "also_sha256": sorted(about["data"].get("also", {}).values()),
        "sources": sorted({*about["data"].get("sources", []), *before.get("sources", [])}),
        "taught": about["data"].get("teacher"),  # sha256 of the soft answers it learnt from; None without
        "result": json.loads(result.read_text(encoding="utf-8")) if result.is_file() else {},
    }
    return Training.model_validate(record)
