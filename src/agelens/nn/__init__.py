"""Networks: each takes (B, 3, S, S) normalised RGB and answers age and gender logits. Needs torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agelens.nn.cnn import ScratchCnn, ScratchCnnConfig
from agelens.nn.efficientnet import EfficientNet, EfficientNetConfig
from agelens.nn.embedded import EmbeddedConfig, EmbeddedNet
from agelens.nn.heads import AgeGenderNet

NetworkConfig = Annotated[ScratchCnnConfig | EfficientNetConfig | EmbeddedConfig, Field(discriminator="kind")]


def build_network(config: NetworkConfig) -> AgeGenderNet:
    """The network a configuration describes, freshly initialised (or pretrained where it says so)."""
    match config:
        case ScratchCnnConfig():
            return ScratchCnn(config)
        case EfficientNetConfig():
            return EfficientNet(config)
        case EmbeddedConfig():
            return EmbeddedNet(config)
