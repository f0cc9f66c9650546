from __future__ import annotations

import pytest
import torch
from torch import nn

from agelens.nn.config import EmbeddedConfig
from agelens.nn.embedded import EmbeddedNet, ResidualBlock


def test_the_embedded_network_keeps_its_budget() -> None:
    network = EmbeddedNet(EmbeddedConfig()).eval()
    multiply_adds = 0

    def add(module: nn.Conv2d, _: object, output: torch.Tensor) -> None:
        nonlocal multiply_adds
        multiply_adds += module.weight.numel() * output.shape[2] * output.shape[3]

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(add)
    network(torch.zeros(1, 3, 80, 80))
    assert 100e6 < multiply_adds < 215e6
    assert sum(weight.numel() for weight in network.parameters()) * 4 < 10e6


def test_widths_and_depths_must_fit() -> None:
    with pytest.raises(ValueError, match="equally long"):
        EmbeddedConfig(widths=(8, 16), depths=(1,))


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(8, 8, 1), (8, 16, 1), (8, 16, 2)])
def test_a_fresh_block_is_its_shortcut(inputs: int, outputs: int, stride: int) -> None:
    torch.manual_seed(0)
    network = EmbeddedNet(EmbeddedConfig(widths=(inputs, outputs), depths=(1, 1)))
    block = network.stages[1] if stride == 2 else ResidualBlock(inputs, outputs, stride)
    nn.init.zeros_(block.residual[-1].weight)
    images = torch.rand(2, inputs, 9, 9)
    result = block.eval()(images)
    assert result.shape == (2, outputs, -(-9 // stride), -(-9 // stride))
    torch.testing.assert_close(result, torch.relu(block.shortcut(images)))


def test_every_block_of_a_fresh_network_is_its_shortcut() -> None:
    network = EmbeddedNet(EmbeddedConfig())
    blocks = [module for module in network.modules() if isinstance(module, ResidualBlock)]
    assert len(blocks) == 6
    assert all((block.residual[-1].weight == 0).all() for block in blocks)


def test_its_weights_keep_their_names() -> None:
    names = {name.split(".")[0] for name in EmbeddedNet(EmbeddedConfig()).state_dict()}
    assert names == {"stem", "stages", "heads"}
