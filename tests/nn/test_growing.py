from __future__ import annotations

from functools import partial

import pytest
import torch
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.efficientnet import EfficientNet
from torch import nn

from agelens.errors import AgeLensError
from agelens.nn.growing import Normalisation, grow, renormalise

PLAN = ["ds_r1_k3_s1_e1_c16{}", "ir_r2_k3_s2_e6_c24{}", "ir_r2_k5_s2_e6_c40{}", "ir_r1_k3_s1_e6_c48{}"]
IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LITE = Normalisation((127 / 255,) * 3, (128 / 255,) * 3)


def made(
    *, width: float = 1.0, depth: float = 1.0, gates: bool = True, stem: int = 32, plan: list[str] = PLAN
) -> EfficientNet:
    """An EfficientNet of a few small stages, with random weights and batch norms that have seen something."""
    stages = [[stage.format("_se0.25" if gates else "")] for stage in plan]
    network = EfficientNet(
        decode_arch_def(stages, depth_multiplier=depth),
        num_classes=0,
        num_features=int(96 * width),
        stem_size=stem,
        round_chs_fn=partial(round_channels, multiplier=width),
        act_layer=nn.SiLU if gates else nn.ReLU6,
    )
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values, low, high in (
                (layer.weight, 0.5, 1.5), (layer.bias, -0.5, 0.5), (layer.running_var, 0.5, 2),
                (layer.running_mean, -0.5, 0.5),
            ):  # fmt: skip
                nn.init.uniform_(values, low, high)
    return network.double().eval()


def with_its_activation_and_open_gates(network: EfficientNet) -> EfficientNet:
    for layer in list(network.modules()):
        for name, child in layer.named_children():
            if isinstance(child, nn.SiLU):
                setattr(layer, name, nn.ReLU6())
        if hasattr(layer, "conv_expand"):
            layer.conv_expand.weight.data.zero_()
            layer.conv_expand.bias.data.fill_(50.0)  # its sigmoid is 1 in every bit
    return network


@pytest.fixture
def images() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 3, 48, 48, dtype=torch.float64)


@pytest.mark.parametrize(("width", "depth", "stem"), [(1.0, 1.0, 32), (1.5, 1.0, 40), (1.5, 2.0, 48)])
def test_the_grown_network_computes_the_small_ones_features_exactly(
    width: float, depth: float, stem: int, images: torch.Tensor
) -> None:
    torch.manual_seed(1)
    small, large = made(gates=False), made(width=width, depth=depth, stem=stem)
    grow(small, large)
    with torch.inference_mode():
        wanted = small.forward_features(images)
        grown = with_its_activation_and_open_gates(large).forward_features(images)
    assert wanted.abs().max() > 0.1
    assert (grown[:, : wanted.shape[1]] - wanted).abs().max() == 0.0


def test_gates_that_the_small_network_has_are_copied_too(images: torch.Tensor) -> None:
    torch.manual_seed(1)
    small, large = made(), made(width=1.5, depth=2, stem=40)
    grow(small, large)
    with torch.inference_mode():
        wanted, grown = small.forward_features(images), large.forward_features(images)
    torch.testing.assert_close(grown[:, : wanted.shape[1]], wanted, rtol=1e-12, atol=1e-12)


def test_gates_begin_open_and_new_channels_at_random(images: torch.Tensor) -> None:
    torch.manual_seed(1)
    small, large = made(gates=False), made(width=1.5)
    grow(small, large)
    seen = []
    for layer in large.modules():
        if hasattr(layer, "conv_expand"):
            layer.gate.register_forward_hook(lambda _, __, gate: seen.append(gate))
    with torch.inference_mode():
        features = large.forward_features(images)
    assert len(seen) == 6
    assert min(gate.min() for gate in seen) > 0.8
    assert features[:, 96:].std() > 0.01


def test_a_stem_that_reads_pixels_normalised_otherwise_answers_the_same() -> None:
    torch.manual_seed(0)
    pixels = torch.rand(2, 3, 24, 24)
    network = made(gates=False).float()

    def answers(normal: Normalisation) -> torch.Tensor:
        mean, std = (torch.tensor(one).view(3, 1, 1) for one in normal)
        with torch.inference_mode():
            return network.bn1(network.conv_stem((pixels - mean) / std))

    before = answers(LITE)
    renormalise(network.conv_stem, network.bn1, LITE, IMAGENET)
    after = answers(IMAGENET)
    torch.testing.assert_close(after[..., 1:, 1:], before[..., 1:, 1:], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("small", "large", "told"),
    [
        ({}, {"plan": PLAN[:3]}, "4 stages cannot grow into one of 3"),
        ({"depth": 2.0}, {}, r"stage 0 has 2 blocks and cannot shrink to 1"),
        ({"width": 2.0}, {}, "narrower"),
        ({"stem": 48}, {}, "conv_stem is narrower"),
        ({"plan": [PLAN[0], *PLAN[2:3], *PLAN[2:]]}, {}, "blocks.1.0.conv_dw has another kernel or stride"),
        ({"plan": ["ir_r1_k3_s2_e6_c16{}", *PLAN[1:]]}, {}, "blocks.0.0 is another kind of block"),
        ({}, {"gates": False}, r"blocks.0.0 of the larger network has no se.conv_reduce"),
    ],
)
def test_a_network_of_another_plan_is_refused(
    small: dict[str, object], large: dict[str, object], told: str
) -> None:
    with pytest.raises(AgeLensError, match=told):
        grow(made(**small), made(**large))
