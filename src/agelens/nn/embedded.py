"""The network inside the package: a small residual network of plain 3×3 convolutions.

Plain convolutions reach the processor's full arithmetic rate, where depthwise ones wait for memory: on
the CPUs this is meant for, they give more accuracy per millisecond, in training and in use.
"""

from __future__ import annotations

from torch import Tensor, nn

from agelens.nn.cnn import convolution, initialise
from agelens.nn.config import EmbeddedConfig
from agelens.nn.heads import AgeGenderHeads, AgeGenderNet


class EmbeddedNet(AgeGenderNet):
    """A stride-2 stem, residual stages, global average pooling, two linear heads.

    The side of its input is at least 2 to the power of the number of stages: 16 for four stages.
    """

    def __init__(self, config: EmbeddedConfig) -> None:
        super().__init__()
        channels = config.widths[0]
        self.stem = nn.Sequential(*convolution(3, channels, stride=2))
        blocks: list[nn.Module] = []
        for stage, (width, depth) in enumerate(zip(config.widths, config.depths, strict=True)):
            for index in range(depth):
                blocks.append(ResidualBlock(channels, width, stride=2 if stage > 0 and index == 0 else 1))
                channels = width
        self.stages = nn.Sequential(*blocks)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.num_features = channels
        self.heads = AgeGenderHeads(channels, [], [config.dropout])
        initialise(self)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, C) pooled features."""
        return self.pool(self.stages(self.stem(images)))


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al. 2016) that averages before it projects.

    The averaging shortcut is ResNet-D's (He et al. 2019): a strided 1×1 would drop three pixels in four.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        first = convolution(inputs, outputs, stride)
        second = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        norm = nn.BatchNorm2d(outputs)
        # Each block starts as its shortcut, which steadies the first epochs (Goyal et al. 2017).
        nn.init.zeros_(norm.weight)
        self.residual = nn.Sequential(*first, second, norm)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            average = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
            project = nn.Conv2d(inputs, outputs, kernel_size=1, bias=False)
            self.shortcut = nn.Sequential(average, project, nn.BatchNorm2d(outputs))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride), rounded up."""
        return self.activation(self.residual(images) + self.shortcut(images))
