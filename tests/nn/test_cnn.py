from __future__ import annotations

from torch import nn

from agelens.nn.cnn import ScratchCnn
from agelens.nn.config import ScratchCnnConfig


def count(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in network.modules())


def test_the_scratch_cnn_is_the_competitions_baseline() -> None:
    network = ScratchCnn(ScratchCnnConfig())
    widths = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert widths == [64, 64, 128, 128, 256, 256, 512, 512]
    assert all(module.kernel_size == (3, 3) for module in network.modules() if isinstance(module, nn.Conv2d))
    assert [count(network, kind) for kind in (nn.BatchNorm2d, nn.MaxPool2d, nn.Dropout2d)] == [8, 3, 3]
    heads = [layer for layer in network.heads.age if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in heads] == [(512, 256), (256, 101)]


def test_its_weights_keep_their_names() -> None:
    names = {name.split(".")[0] for name in ScratchCnn(ScratchCnnConfig()).state_dict()}
    assert names == {"backbone", "heads"}
