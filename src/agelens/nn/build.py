"""The network that a configuration describes."""

from __future__ import annotations

from agelens.nn.cnn import ScratchCnn
from agelens.nn.config import EfficientNetConfig, EmbeddedConfig, NetworkConfig, ScratchCnnConfig
from agelens.nn.efficientnet import EfficientNet
from agelens.nn.embedded import EmbeddedNet
from agelens.nn.heads import AgeGenderNet
from agelens.nn.weights import take_weights, weights_file


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
