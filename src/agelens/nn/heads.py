"""What stands on a backbone: gate attention over pooled features, and the two heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from agelens.labels import GENDERS, NUM_AGES


class AgeGenderLogits(NamedTuple):
    """The answer of every network: age (B, 101), gender (B, 2) in the order male, female; no softmax."""

    age: Tensor
    gender: Tensor


class GateAttention(nn.Module):
    """Weigh each pooled feature by a sigmoid gate computed from all of them.

    Squeeze-and-excitation (Hu et al. 2018) applied after global pooling: C -> hidden -> C.
    """

    def __init__(self, features: int, hidden: int = 256, dropout: float = 0.2) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, features),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C) -> (B, C)."""
        gated: Tensor = features * self.gate(features)
        return gated


class AgeGenderHeads(nn.Module):
    """Two separate stacks over shared features, (B, C) -> age and gender logits.

    Args:
        features: C.
        hidden: widths of the layers between the features and the logits; empty for linear heads.
        dropout: after each hidden layer, or before the logits where there is none; one rate a layer.
        batch_norm: normalise the first hidden layer.
    """

    def __init__(
        self, features: int, hidden: Sequence[int], dropout: Sequence[float], batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.age = _stack(features, hidden, dropout, batch_norm, NUM_AGES)
        self.gender = _stack(features, hidden, dropout, batch_norm, len(GENDERS))

    def forward(self, features: Tensor) -> AgeGenderLogits:
        """(B, C) -> logits."""
        return AgeGenderLogits(self.age(features), self.gender(features))


def _stack(
    features: int, hidden: Sequence[int], dropout: Sequence[float], batch_norm: bool, outputs: int
) -> nn.Sequential:
    layers: list[nn.Module] = []
    if not hidden:
        layers.append(nn.Dropout(dropout[0]))
    for depth, (width, rate) in enumerate(zip(hidden, dropout, strict=False)):
        layers.append(nn.Linear(features, width))
        if batch_norm and depth == 0:
            layers.append(nn.BatchNorm1d(width))
        layers += [nn.ReLU(), nn.Dropout(rate)]
        features = width
    layers.append(nn.Linear(features, outputs))
    return nn.Sequential(*layers)
