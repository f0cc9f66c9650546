"""The primary model: timm's EfficientNet-B4, gate attention on the pooled features, two heads."""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor

from agelens.errors import AgeLensError
from agelens.nn.config import EfficientNetConfig
from agelens.nn.heads import AgeGenderHeads, AgeGenderNet, GateAttention
from agelens.nn.imagenet import with_imagenet_weights


class EfficientNet(AgeGenderNet):
    """Backbone -> global average pooling (1792 features for B4) -> gate attention -> two heads.

    The side of its input is at least 32 pixels.

    Raises:
        AgeLensError: timm does not know the backbone, or its weights cannot be fetched.
    """

    new_parts = ("heads.", "attention.")

    def __init__(self, config: EfficientNetConfig) -> None:
        super().__init__()
        self.backbone = _create_backbone(config)
        width = self.num_features = self.backbone.num_features
        self.attention = GateAttention(width, config.attention_hidden, config.attention_dropout)
        self.heads = AgeGenderHeads(width, config.hidden, config.head_dropout, batch_norm=True)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, C) pooled features, weighed by the gate."""
        return self.attention(self.backbone(images))


def _create_backbone(config: EfficientNetConfig) -> Any:
    if config.backbone.split(".")[0] not in timm.list_models():
        raise AgeLensError(
            f"timm {timm.__version__} has no backbone {config.backbone!r}; see timm.list_models()"
        )
    # Pooled features, no classifier.
    options: dict[str, Any] = {"num_classes": 0, "global_pool": "avg", "drop_path_rate": config.drop_path}
    if not config.pretrained:
        return timm.create_model(config.backbone, pretrained=False, **options)
    try:
        return with_imagenet_weights(config.backbone, **options)
    except Exception as error:
        # The hub client's errors have no common base; whatever stopped the download, the way out is the same.
        raise AgeLensError(
            f"the ImageNet weights of {config.backbone} cannot be fetched ({type(error).__name__}: {error}). "
            "Go online once, name their file with --set network.weights=FILE, or start from random weights: "
            "--set network.pretrained=false"
        ) from error
