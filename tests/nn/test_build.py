from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from agelens.nn import AgeGenderNet, NetworkConfig, build_network
from agelens.nn.cnn import ScratchCnn
from agelens.nn.efficientnet import EfficientNet
from agelens.nn.embedded import EmbeddedNet


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
