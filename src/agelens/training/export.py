"""From a run's best checkpoint to a bundle, checked against torch on real images."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agelens.ages import softmax
from agelens.data.manifest import read_manifest
from agelens.data.readers import terms_of
from agelens.errors import AgeLensError
from agelens.faces.images import open_image, resize_to_square
from agelens.files import folder_written_whole
from agelens.inference.predictor import Predictor
from agelens.models.bundle import MODEL_FILE, Bundle, write_bundle
from agelens.models.spec import BundleSpec, InputSpec, Training
from agelens.training.provenance import table_of
from agelens.training.recipe import Recipe
from agelens.training.run import RunFolder
from agelens.training.task import AgeGenderTask

#: Largest difference of any probability between torch and ONNX Runtime that passes for the same model.
PARITY = 1e-4

#: Images that parity is measured on.
PARITY_IMAGES = 64


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The bundle on disk, and how well it agrees with torch."""

    bundle: Bundle
    largest_difference: float  # between a probability of the bundle's and torch's
    images: int  # real ones that it was measured on


def export_run(
    run: Path, output: Path, *, licence: str, name: str | None = None, description: str = ""
) -> ExportReport:
    """Export the best checkpoint of a run as a bundle; one in ``output`` is replaced, whole or not at all.

    The ``licence`` is that of the weights, the ``name`` the model's in place of the recipe's, and the
    ``description`` a sentence for the card.

    Raises:
        AgeLensError: the run has no best checkpoint or record, ``output`` holds something else, none of the
            run's images can be read, or the exported network differs from torch by ``PARITY`` or more.
    """
    folder = RunFolder(run)
    if not folder.best.is_file():
        raise AgeLensError(f"{run} has no checkpoints/best.ckpt; is it a run of 'agelens train'?")
    if output.exists() and any(output.iterdir()) and not (output / MODEL_FILE).exists():
        raise AgeLensError(f"{output} is not empty and holds no bundle; name another folder")
    recipe = folder.recipe
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task = AgeGenderTask.load_from_checkpoint(folder.best, weights_only=True, map_location="cpu").eval()
    with folder_written_whole(output) as partial:
        _write_onnx(task, recipe, partial / MODEL_FILE)
        spec = BundleSpec(
            name=name or recipe.name,
            description=description,
            heads=folder.record.heads,
            input=InputSpec(size=recipe.size, mean=recipe.mean, std=recipe.std),
            training=_training_record(folder, recipe, task),
            licence=licence,
            files={},
        )
        bundle = write_bundle(partial, spec, {})
        difference, images = _parity(task, bundle, Path(folder.record.data.path))
    return ExportReport(Bundle(output, bundle.spec), difference, images)


def bundle_of_run(run: Path) -> Bundle:
    """Export a run into its own folder ``bundle``, to be measured and not to be passed on."""
    return export_run(run, run / "bundle", licence="not stated: exported for evaluation").bundle


def _write_onnx(task: AgeGenderTask, recipe: Recipe, path: Path) -> None:
    # The exporter speaks to stdout and to the log at length; its errors are raised.
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                task.network.to(memory_format=torch.contiguous_format),
                (torch.zeros(2, 3, recipe.size, recipe.size),),
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
    """The largest difference between a probability of the bundle's and torch's, and on how many images."""
    faces = _real_faces(source, bundle.spec.input.size)
    theirs = Predictor(bundle, "whole").read_faces(faces)
    with torch.inference_mode():
        logits = task(torch.from_numpy(faces).permute(0, 3, 1, 2))
    pairs = ((logits.age, theirs.age), (logits.gender, theirs.gender))
    difference = max(float(np.abs(softmax(one.numpy()) - other).max()) for one, other in pairs)
    if not difference < PARITY:
        raise AgeLensError(
            f"the exported network differs from torch by {difference:.2g} in a probability; "
            f"at most {PARITY:g} passes"
        )
    return difference, len(faces)


def _real_faces(source: Path, size: int) -> NDArray[np.uint8]:
    """Up to ``PARITY_IMAGES`` images of a manifest or pack, drawn at random: (n, size, size, 3) uint8."""
    manifest = read_manifest(table_of(source))
    faces = []
    for row in np.random.default_rng(0).permutation(len(manifest.samples))[:PARITY_IMAGES]:
        with contextlib.suppress(AgeLensError):  # training has reported it already
            pixels = open_image(manifest.path(manifest.samples[row])).pixels
            faces.append(resize_to_square(pixels, size))
    if not faces:
        raise AgeLensError(
            f"parity needs the images the run was trained on, and none of {source} can be read"
        )
    return np.stack(faces)


def _training_record(run: RunFolder, recipe: Recipe, task: AgeGenderTask) -> Training:
    record = run.record
    content = {
        **record.model_dump(mode="json", include={"git_commit", "versions", "images", "started_from"}),
        "recipe": recipe.model_dump(mode="json"),
        "initial_weights": run.initial_weights,
        "parameters": sum(parameter.numel() for parameter in task.network.parameters()),
        "run": run.name,
        "data_sha256": record.data.sha256,
        "also_sha256": sorted(record.data.also.values()),
        "sources": record.sources,
        "terms": terms_of(record.sources),
        "taught": record.data.teacher,  # sha256 of the soft answers it learnt from; None without
        "result": run.result or {},
    }
    return Training.model_validate(content)
