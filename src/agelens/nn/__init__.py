"""Networks: each takes (B, 3, S, S) normalised RGB and answers age and gender logits. Needs torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agelens.nn.cnn import ScratchCnn, ScratchCnnConfig
from agelens.nn.efficientnet import EfficientNet, EfficientNetConfig
from agelens.nn.embedded import EmbeddedConfig, EmbeddedNet
from agelens.nn.heads import AgeGenderNet
from agelens.nn.weights import take_weights, weights_file

NetworkConfig = Annotated[ScratchCnnConfig | EfficientNetConfig | EmbeddedConfig, Field(discriminator="kind")]


def build_network(config: NetworkConfig, *, start: bool = True) -> AgeGenderNet:
    """The network a configuration describes, with the weights it is to start from, or random ones.

    ``start=False`` is for weights that come from elsewhere: nothing is fetched, and no file is read.

    Raises:
        AgeLensError: the initial weights cannot be had, or do not fit the network.
    """
    if isinstance(config, EfficientNetConfig) and (config.weights or not start):
        config = config.model_copy(update={"pretrained": False})  # nothing is fetched to be replaced
    network = _build(config)
    if config.weights and start:
        take_weights(network, weights_file(config.weights))
    return network


def _build(config: NetworkConfig) -> AgeGenderNet:
    match config:
        case ScratchCnnConfig():
            return ScratchCnn(config)
        case EfficientNetConfig():
            return EfficientNet(config)
        case EmbeddedConfig():
            return EmbeddedNet(config)
