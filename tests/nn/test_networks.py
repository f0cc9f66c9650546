from __future__ import annotations

import pytest
import torch
from torch import nn

from agelens.errors import AgeLensError
from agelens.nn import build_network
from agelens.nn.cnn import ScratchCnnConfig
from agelens.nn.efficientnet import EfficientNet, EfficientNetConfig
from agelens.nn.embedded import EmbeddedConfig
from agelens.nn.heads import GateAttention

SMALL_CNN = ScratchCnnConfig(widths=(4, 8, 8, 8), hidden=8)
SMALL_NET = EmbeddedConfig(widths=(8, 16), depths=(1, 2))
SMALL_B0 = EfficientNetConfig(backbone="tf_efficientnet_b0.ns_jft_in1k", pretrained=False)


@pytest.mark.parametrize(
    ("config", "size"), [(SMALL_CNN, 48), (SMALL_NET, 33), (SMALL_NET, 80), (SMALL_B0, 64)]
)
def test_every_network_answers_101_ages_and_2_genders_and_learns(
    config: ScratchCnnConfig | EmbeddedConfig | EfficientNetConfig, size: int
) -> None:
    torch.manual_seed(0)
    network = build_network(config)
    logits = network(torch.randn(3, 3, size, size))
    assert logits.age.shape == (3, 101)
    assert logits.gender.shape == (3, 2)
    (logits.age.logsumexp(1).sum() + logits.gender[:, 0].sum()).backward()
    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []


def count(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in network.modules())


def test_the_scratch_cnn_is_the_one_asked_for() -> None:
    network = build_network(ScratchCnnConfig())
    widths = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert widths == [64, 64, 128, 128, 256, 256, 512, 512]
    assert all(module.kernel_size == (3, 3) for module in network.modules() if isinstance(module, nn.Conv2d))
    assert [count(network, kind) for kind in (nn.BatchNorm2d, nn.MaxPool2d, nn.Dropout2d)] == [8, 3, 3]


def test_the_primary_model_is_b4_with_attention_and_separate_heads() -> None:
    network = build_network(EfficientNetConfig(pretrained=False))
    assert isinstance(network, EfficientNet)
    assert network.backbone.num_features == 1792
    gate = [module for module in network.attention.modules() if isinstance(module, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in gate] == [(1792, 256), (256, 1792)]
    ages = [layer.out_features for layer in network.heads.age.modules() if isinstance(layer, nn.Linear)]
    genders = [layer.out_features for layer in network.heads.gender.modules() if isinstance(layer, nn.Linear)]
    assert (ages, genders) == ([256, 128, 101], [256, 128, 2])
    assert EfficientNetConfig().pretrained
    assert EfficientNetConfig().backbone == "tf_efficientnet_b4.ns_jft_in1k"


def test_the_embedded_network_keeps_its_budget() -> None:
    network = build_network(EmbeddedConfig()).eval()
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


def test_gate_attention_only_ever_turns_features_down() -> None:
    features = torch.randn(5, 12)
    gated = GateAttention(12, hidden=4).eval()(features)
    assert (gated.abs() < features.abs()).all()
    assert (gated.sign() == features.sign()).all()


def test_pretrained_weights_that_cannot_be_had_say_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AgeLensError, match=r"network\.pretrained=false"):
        build_network(EfficientNetConfig(backbone="tf_efficientnet_b0.ns_jft_in1k"))


def test_an_unknown_backbone_is_a_sentence() -> None:
    with pytest.raises(AgeLensError, match="has no backbone 'resnet_of_dreams'"):
        build_network(EfficientNetConfig(backbone="resnet_of_dreams", pretrained=False))


def test_widths_and_depths_must_fit() -> None:
    with pytest.raises(ValueError, match="equally long"):
        EmbeddedConfig(widths=(8, 16), depths=(1,))
