"""Write a model's weights to train on from, once they have been shown to answer as its network does.

How ``models/weights`` came to be, from the checkpoints that the models were exported from:

    python benchmarks/weights.py runs/e/checkpoints/best.ckpt embedded --faces faces/ --output e.safetensors
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from pydantic import TypeAdapter

from agelens.ages import softmax
from agelens.files import written_whole
from agelens.inference.answers import Reading
from agelens.inference.predictor import Predictor
from agelens.models.bundle import copy_bundle, write_bundle
from agelens.models.catalogue import resolve
from agelens.nn.build import build_network
from agelens.nn.config import NetworkConfig
from agelens.nn.weights import take_weights
from agelens.training.export import write_weights
from agelens.training.half import check_half
from agelens.training.parity import largest_difference, parity_faces


def main() -> None:
    """Read the command line, write the weights, and print how far they are from the bundle's network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="a state dict of the network")
    parser.add_argument("bundle", help="the model, by name or folder")
    parser.add_argument("--output", type=Path, required=True, help="the .safetensors")
    parser.add_argument("--faces", type=Path, help="folder, manifest or pack to compare on")
    parser.add_argument("--half", action="store_true", help="store them in half precision")
    given = parser.parse_args()

    bundle = resolve(given.bundle)
    spec = bundle.spec
    config = TypeAdapter(NetworkConfig).validate_python(spec.training.recipe["network"])
    network = build_network(config, start=False)
    take_weights(network, given.checkpoint)
    faces = parity_faces(given.faces, Path("none"), spec.input.size)
    with written_whole(given.output) as partial:
        write_weights(partial, network, spec, half=given.half)
        take_weights(network, partial)  # what is stored is what is compared
        mean, std = (torch.tensor(one).view(3, 1, 1) for one in (spec.input.mean, spec.input.std))
        images = (torch.from_numpy(faces.pixels).permute(0, 3, 1, 2) / 255 - mean) / std
        with torch.inference_mode():
            logits = network.eval()(images)
        calibration = spec.calibration.model_copy(
            update={"age_temperature": 1.0, "gender_temperature": 1.0, "age_offsets": (0.0,) * 101}
        )
        with tempfile.TemporaryDirectory() as folder:
            copy_bundle(bundle, Path(folder))
            plain = write_bundle(Path(folder), spec.model_copy(update={"calibration": calibration}), {})
            answered = Predictor(plain, "whole").read_faces(faces.pixels)
        own = Reading(softmax(logits.age.numpy()), softmax(logits.gender.numpy()))
        years = check_half(answered, own)
    size, probability = given.output.stat().st_size / 1e6, largest_difference(answered, own)
    print(f"{given.output}: {size:.1f} MB; on {faces.told} an age differs by {years:.2g} years at most")
    print(f"from that of the bundle's own network, a probability by {probability:.2g}")


if __name__ == "__main__":
    main()
