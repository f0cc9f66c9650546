"""The shape that every network shares: pooled features, and the two heads that read them."""

from __future__ import annotations

from torch import Tensor, nn

from agelens.nn.heads import AgeGenderHeads, AgeGenderLogits


class AgeGenderNet(nn.Module):
    """A network of age and gender; a subclass builds its layers and says how to compute ``features``.

    Attributes:
        num_features: C, the number of pooled features.
        heads: (B, C) features -> age and gender logits.
    """

    num_features: int
    heads: AgeGenderHeads

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) normalised RGB -> (B, C) pooled features, which the heads read."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> AgeGenderLogits:
        """(B, 3, S, S) normalised RGB -> logits."""
        return self.heads(self.features(images))
