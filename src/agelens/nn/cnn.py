"""The baseline: a plain CNN from scratch, one backbone and two heads."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from agelens.nn.heads import AgeGenderHeads, AgeGenderLogits


class ScratchCnnConfig(BaseModel):
    """The scratch CNN's shape; the defaults are the competition's baseline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["cnn-scratch"] = "cnn-scratch"
    widths: tuple[int, ...] = (64, 128, 256, 512)  # channels of each double-conv block
    block_dropout: float = 0.25  # whole channels, between blocks
    hidden: int = 256
    head_dropout: float = 0.5


class ScratchCnn(nn.Module):
    """Double-conv blocks (3×3, BatchNorm, ReLU) with max pooling and dropout between, then two heads."""

    def __init__(self, config: ScratchCnnConfig) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 3
        for width in config.widths:
            if blocks:
                blocks += [nn.MaxPool2d(2), nn.Dropout2d(config.block_dropout)]
            blocks += [*_convolution(channels, width), *_convolution(width, width)]
            channels = width
        self.backbone = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.heads = AgeGenderHeads(channels, [config.hidden], [config.head_dropout])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> AgeGenderLogits:
        """(B, 3, S, S) normalised RGB, S at least 8 for four blocks -> logits."""
        logits: AgeGenderLogits = self.heads(self.backbone(images))
        return logits


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]
