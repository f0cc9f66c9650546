"""From a run's best checkpoint to a bundle, checked against torch on faces."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from agelens.ages import softmax
from agelens.data.readers import known_sources, terms_of
from agelens.errors import AgeLensError
from agelens.files import folder_written_whole
from agelens.inference.answers import Reading
from agelens.inference.predictor import Predictor
from agelens.models.bundle import MODEL_FILE, WEIGHTS_FILE, Bundle, write_bundle
from agelens.models.spec import BundleSpec, InputSpec, Training
from agelens.nn.heads import AgeGenderNet
from agelens.training.half import check_half, store_half
from agelens.training.parity import ParityFaces, largest_difference, parity_faces
from agelens.training.recipe import Recipe
from agelens.training.run import RunFolder, checkpoint_of
from agelens.training.task import AgeGenderTask

#: Largest difference of any probability between torch and ONNX Runtime that passes for the same model.
PARITY = 1e-4


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The bundle on disk, and how well it agrees with torch."""

    bundle: Bundle
    largest_difference: float  # between a probability of the bundle's, still in full precision, and torch's
    compared: ParityFaces  # what it was measured on
    half_change: float | None = None  # largest change of an age by half precision, years; None without


def export_run(
    run: Path,
    output: Path,
    *,
    licence: str,
    name: str | None = None,
    description: str = "",
    initial_weights: str | None = None,
    faces: Path | None = None,
    half: bool = False,
    weights: bool = False,
) -> ExportReport:
    """Export the best checkpoint of a run as a bundle; one in ``output`` is replaced, whole or not at all.

    Args:
        run: the run's folder, or its checkpoint beside or below the run's record.
        output: receives the bundle.
        licence: that of the weights, as the terms of the data permit.
        name: the model's; None for the run's.
        description: a sentence for the card.
        initial_weights: what the first run of this line of runs started from, where no record tells.
        faces: a folder, manifest, pack or picture to compare with torch on; None for the run's own table
            where it is at hand, else the package's own pictures.
        half: store the weights in half precision.
        weights: add the weights to train on from, in the same precision.

    Raises:
        AgeLensError: the run has no checkpoint or record, ``output`` holds something else, none of the given
            faces can be read, the exported network differs from torch by ``PARITY`` or more, half precision
            changes its answers, or a record tells already what the weights started from.
    """
    checkpoint = checkpoint_of(run)
    if output.exists() and any(output.iterdir()) and not (output / MODEL_FILE).exists():
        raise AgeLensError(f"{output} is not empty and holds no bundle; name another folder")
    folder = RunFolder.of_checkpoint(checkpoint)
    task = AgeGenderTask.of_checkpoint(checkpoint).eval()
    recipe = task.recipe
    compared = parity_faces(faces, Path(folder.record.data.path), recipe.size)
    with folder_written_whole(output) as partial:
        _write_onnx(task, recipe, partial / MODEL_FILE)
        spec = BundleSpec(
            name=name or folder.name,
            description=description,
            heads=folder.record.heads,
            input=InputSpec(size=recipe.size, mean=recipe.mean, std=recipe.std),
            training=_training_record(folder, task, initial_weights, half=half),
            licence=licence,
            files={},
        )
        if weights:
            write_weights(partial / WEIGHTS_FILE, task.network, spec, half=half)
        bundle = write_bundle(partial, spec, {})
        answered = Predictor(bundle, "whole").read_faces(compared.pixels)
        difference = _check_parity(task, answered, compared)
        change = None
        if half:
            store_half(bundle.model, {name: one.numpy() for name, one in task.network.state_dict().items()})
            bundle = write_bundle(partial, spec, {})
            change = check_half(answered, Predictor(bundle, "whole").read_faces(compared.pixels))
    return ExportReport(Bundle(output, bundle.spec), difference, compared, change)


def write_weights(path: Path, network: AgeGenderNet, spec: BundleSpec, *, half: bool) -> None:
    """Write a network's weights as safetensors, its floating-point numbers in half precision if asked to."""
    state = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    origin = f"model {spec.name!r}, from {spec.training.initial_weights} weights"
    path.write_bytes(save(state, {"origin": origin}))


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


def _check_parity(task: AgeGenderTask, answered: Reading, compared: ParityFaces) -> float:
    """The largest difference between a probability of the bundle's and torch's on the same faces."""
    with torch.inference_mode():
        logits = task(torch.from_numpy(compared.pixels).permute(0, 3, 1, 2))
    difference = largest_difference(
        answered, Reading(softmax(logits.age.numpy()), softmax(logits.gender.numpy()))
    )
    if not difference < PARITY:
        raise AgeLensError(
            f"the exported network differs from torch by {difference:.2g} in a probability; "
            f"at most {PARITY:g} passes"
        )
    return difference


def _training_record(run: RunFolder, task: AgeGenderTask, started: str | None, *, half: bool) -> Training:
    record, known = run.record, run.initial_weights
    if started and known != "unknown":
        raise AgeLensError(f"{run.path} records what its weights started from ({known}); leave that to it")
    sources = known_sources(record.sources)
    content = {
        **record.model_dump(mode="json", include={"git_commit", "versions", "images", "started_from"}),
        "recipe": task.recipe.model_dump(mode="json"),
        "initial_weights": started or known,
        "parameters": sum(parameter.numel() for parameter in task.network.parameters()),
        "stored_as": "float16" if half else "float32",
        "run": run.name,
        "data_sha256": record.data.sha256,
        "also_sha256": sorted(record.data.also.values()),
        "sources": sources,
        "terms": terms_of(sources),
        "taught": record.data.teacher,  # sha256 of the soft answers it learnt from; None without
        "result": run.result or {},
    }
    return Training.model_validate(content)
