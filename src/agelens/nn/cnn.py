"""The baseline: a plain CNN, trained from random weights."""

from __future__ import annotations

from torch import Tensor, nn

from agelens.nn.config import ScratchCnnConfig
from agelens.nn.heads import AgeGenderHeads, AgeGenderNet


class ScratchCnn(AgeGenderNet):
    """Blocks of two 3×3 convolutions, with max pooling and dropout between them, then two heads.

    The side of its input is at least 2 to the power of one less than the number of blocks: 8 for four blocks.
    """

    def __init__(self, config: ScratchCnnConfig) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 3
        for width in config.widths:
            if blocks:
                blocks += [nn.MaxPool2d(2), nn.Dropout2d(config.block_dropout)]
            blocks += [*convolution(channels, width), *convolution(width, width)]
            channels = width
        self.backbone = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.num_features = channels
        self.heads = AgeGenderHeads(channels, [config.hidden], [config.head_dropout])
        initialise(self)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, C) pooled features."""
        return self.backbone(images)


def convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """A 3×3 convolution, normalised and rectified."""
    layer = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def initialise(network: nn.Module) -> None:
    """Give every convolution the random weights that rectifiers want (He et al. 2015)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
