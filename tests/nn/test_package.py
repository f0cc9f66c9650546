from __future__ import annotations

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from agelens.nn.build import build_network
from agelens.nn.cnn import ScratchCnn
from agelens.nn.config import EfficientNetConfig, EmbeddedConfig, NetworkConfig, ScratchCnnConfig
from agelens.nn.efficientnet import EfficientNet
from agelens.nn.embedded import EmbeddedNet
from agelens.nn.heads import AgeGenderNet

CONFIGS = [
    (ScratchCnnConfig(widths=(4, 8, 8, 8), hidden=8), 48),
    (EmbeddedConfig(widths=(8, 16), depths=(1, 2)), 33),
    (EmbeddedConfig(widths=(8, 16), depths=(1, 2)), 80),
    (EfficientNetConfig(backbone="tf_efficientnet_b0.ns_jft_in1k", pretrained=False), 64),
    (EfficientNetConfig(backbone="resnet18.a1_in1k", pretrained=False, hidden=(), head_dropout=(0.1,)), 64),
]


@pytest.mark.parametrize(
    ("content", "network"),
    [
        ({"kind": "cnn-scratch", "widths": [4, 8]}, ScratchCnn),
        ({"kind": "embedded", "widths": [8, 16], "depths": [1, 1]}, EmbeddedNet),
        (
            {"kind": "efficientnet", "backbone": "tf_efficientnet_b0.ns_jft_in1k", "pretrained": False},
            EfficientNet,
        ),
    ],
)
def test_a_configuration_names_its_network(content: dict[str, object], network: type[AgeGenderNet]) -> None:
    config = TypeAdapter(NetworkConfig).validate_python(content)
    assert type(build_network(config)) is network


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="transformer"):
        TypeAdapter(NetworkConfig).validate_python({"kind": "transformer"})


@pytest.mark.parametrize(("config", "size"), CONFIGS)
def test_every_network_answers_from_its_features_and_learns(config: NetworkConfig, size: int) -> None:
    torch.manual_seed(0)
    network = build_network(config)
    logits = network(torch.randn(3, 3, size, size))
    assert logits.age.shape == (3, 101)
    assert logits.gender.shape == (3, 2)
    (logits.age.logsumexp(1).sum() + logits.gender[:, 0].sum()).backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize(("config", "size"), CONFIGS)
def test_the_heads_read_the_features_and_nothing_else(config: NetworkConfig, size: int) -> None:
    network = build_network(config).eval()
    images = torch.randn(2, 3, size, size)
    with torch.inference_mode():
        features = network.features(images)
        assert features.shape == (2, network.num_features)
        for one, other in zip(network(images), network.heads(features), strict=True):
            torch.testing.assert_close(one, other)


def test_a_network_must_say_what_its_features_are() -> None:
    with pytest.raises(NotImplementedError):
        AgeGenderNet().features(torch.zeros(1, 3, 8, 8))
