from __future__ import annotations

import pytest
from pydantic import ValidationError
from torch import nn

from agelens.errors import AgeLensError
from agelens.nn.config import EfficientNetConfig
from agelens.nn.efficientnet import EfficientNet

B0 = "tf_efficientnet_b0.ns_jft_in1k"


def test_the_primary_model_is_b4_with_attention_and_separate_heads() -> None:
    network = EfficientNet(EfficientNetConfig(pretrained=False))
    assert network.num_features == network.backbone.num_features == 1792
    gate = [module for module in network.attention.modules() if isinstance(module, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in gate] == [(1792, 256), (256, 1792)]
    ages = [layer.out_features for layer in network.heads.age.modules() if isinstance(layer, nn.Linear)]
    genders = [layer.out_features for layer in network.heads.gender.modules() if isinstance(layer, nn.Linear)]
    assert (ages, genders) == ([256, 128, 101], [256, 128, 2])
    assert EfficientNetConfig().pretrained
    assert EfficientNetConfig().backbone == "tf_efficientnet_b4.ns_jft_in1k"


@pytest.mark.parametrize(
    ("hidden", "rates"), [((256, 128, 64), (0.3, 0.2)), ((256,), (0.3, 0.2)), ((), ()), ((), (0.1, 0.2))]
)
def test_each_hidden_layer_has_its_dropout_rate(hidden: tuple[int, ...], rates: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="dropout rates"):
        EfficientNetConfig(hidden=hidden, head_dropout=rates)


def test_three_hidden_layers_with_three_rates_are_three_layers() -> None:
    config = EfficientNetConfig(
        backbone=B0, pretrained=False, hidden=(32, 16, 8), head_dropout=(0.3, 0.2, 0.1)
    )
    layers = EfficientNet(config).heads.age
    widths = [layer.out_features for layer in layers if isinstance(layer, nn.Linear)]
    assert widths == [32, 16, 8, 101]
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.3, 0.2, 0.1]


def test_its_weights_keep_their_names() -> None:
    network = EfficientNet(EfficientNetConfig(backbone=B0, pretrained=False))
    assert {name.split(".")[0] for name in network.state_dict()} == {"backbone", "attention", "heads"}


def test_pretrained_weights_that_cannot_be_had_say_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(backbone: str, **options: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("agelens.nn.efficientnet.with_imagenet_weights", unreachable)
    with pytest.raises(AgeLensError, match=r"no route to host(.|\n)*network\.pretrained=false"):
        EfficientNet(EfficientNetConfig(backbone=B0))


def test_an_unknown_backbone_is_a_sentence() -> None:
    with pytest.raises(AgeLensError, match="has no backbone 'resnet_of_dreams'"):
        EfficientNet(EfficientNetConfig(backbone="resnet_of_dreams", pretrained=False))
