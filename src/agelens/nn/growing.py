"""Grow a wider and deeper EfficientNet out of a small trained one, so that it begins with what that knows.

After Net2Net (Chen et al. 2016), for networks of the same stage plan (Tan & Le 2019): every filter is copied
into the first channels of the wider one; new channels begin at random and feed nothing old; blocks that the
small network lacks begin as their shortcut; gates that it lacks begin open. With the small network's
activation and gates wide open, the first channels of the grown network are the small network's, exactly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn

from agelens.errors import AgeLensError

#: A gate begins at sigmoid(3), 0.95, under what little its weights say.
OPEN_BIAS, OPEN_SHARE = 3.0, 0.1


class Normalisation(NamedTuple):
    """What a network's input is: ``(pixels / 255 - mean) / std``, RGB."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@torch.no_grad()
def grow(small: Any, large: Any) -> None:
    """Write the weights of ``small`` into ``large``, both timm EfficientNets without a classifier, in place.

    Raises:
        AgeLensError: the plans of the two differ, or ``large`` is narrower or shallower somewhere.
    """
    if len(small.blocks) != len(large.blocks):
        raise AgeLensError(
            f"a network of {len(small.blocks)} stages cannot grow into one of {len(large.blocks)}"
        )
    for name in ("conv_stem", "bn1", "conv_head", "bn2"):
        _copy(getattr(small, name), getattr(large, name), name)
    for number, (before, after) in enumerate(zip(small.blocks, large.blocks, strict=True)):
        if len(before) > len(after):
            raise AgeLensError(f"stage {number} has {len(before)} blocks and cannot shrink to {len(after)}")
        for place, block in enumerate(after):
            if place < len(before):
                _copy_block(before[place], block, f"blocks.{number}.{place}")
            else:
                _begin_as_shortcut(block, f"blocks.{number}.{place}")


@torch.no_grad()
def renormalise(stem: nn.Conv2d, norm: nn.BatchNorm2d, before: Normalisation, after: Normalisation) -> None:
    """Let a first convolution and its batch norm read pixels normalised in another way, in place.

    What they answer stays the same but at the border, where zeros of the new kind are padded.
    """
    (old_mean, old_std), (new_mean, new_std) = (map(torch.tensor, one) for one in (before, after))
    # Old input = gain · new input + offset, by channel.
    gain, offset = new_std / old_std, (new_mean - old_mean) / old_std
    filters, mean = stem.weight, norm.running_mean
    assert mean is not None
    mean -= (filters * offset.view(1, 3, 1, 1)).sum((1, 2, 3))
    filters *= gain.view(1, 3, 1, 1)


def _copy_block(before: Any, after: Any, where: str) -> None:
    if type(before) is not type(after) or before.has_skip != after.has_skip:
        raise AgeLensError(f"{where} is another kind of block in the larger network")
    layers = dict(after.named_modules())
    for name, layer in before.named_modules():
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            if name not in layers:
                raise AgeLensError(f"{where} of the larger network has no {name}")
            _copy(layer, layers[name], f"{where}.{name}")
    if "se.conv_expand" not in dict(before.named_modules()):
        _open_gate(after)


def _copy(before: Any, after: Any, where: str) -> None:
    if before.weight.ndim == 4 and (before.kernel_size, before.stride) != (after.kernel_size, after.stride):
        raise AgeLensError(f"{where} has another kernel or stride in the larger network")
    if any(few > many for few, many in zip(before.weight.shape, after.weight.shape, strict=True)):
        raise AgeLensError(f"{where} is narrower in the larger network")
    outputs, inputs = before.weight.shape[0], before.weight.shape[1:2]
    if inputs:
        after.weight[:outputs] = 0  # new channels feed nothing old
        after.weight[:outputs, : inputs[0]] = before.weight
    for name, value in before.state_dict().items():
        if value.ndim == 1:  # a bias, or what a batch norm holds
            getattr(after, name)[:outputs] = value


def _begin_as_shortcut(block: Any, where: str) -> None:
    """Let the last batch norm answer zero, so that nothing is added to the shortcut."""
    if not block.has_skip:
        raise AgeLensError(f"{where} has no shortcut to begin as")
    *_, last = (layer for layer in block.modules() if isinstance(layer, nn.BatchNorm2d))
    last.weight.zero_()
    last.bias.zero_()
    _open_gate(block)


def _open_gate(block: Any) -> None:
    if expand := dict(block.named_modules()).get("se.conv_expand"):
        expand.weight.mul_(OPEN_SHARE)
        expand.bias.fill_(OPEN_BIAS)
