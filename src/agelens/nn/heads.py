"""What every network ends in: pooled features, gate attention over them if wanted, and the two heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from agelens.labels import GENDERS, NUM_AGES
from agelens.nn.config import check_lengths


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
        squeeze, excite = nn.Linear(features, hidden), nn.Linear(hidden, features)
        self.gate = nn.Sequential(squeeze, nn.ReLU(), nn.Dropout(dropout), excite, nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """(B, C) -> (B, C)."""
        return features * self.gate(features)


class AgeGenderHeads(nn.Module):
    """Two separate stacks over shared features, (B, C) -> age and gender logits.

    Layers of the widths ``hidden`` lie between the features and the logits, each with its rate of dropout
    after it, the first batch-normalised if wanted. Linear heads have none, and one rate before the logits.
    """

    def __init__(
        self, features: int, hidden: Sequence[int], dropout: Sequence[float], batch_norm: bool = False
    ) -> None:
        super().__init__()
        check_lengths(hidden, dropout)
        self.age = _stack(features, hidden, dropout, batch_norm, NUM_AGES)
        self.gender = _stack(features, hidden, dropout, batch_norm, len(GENDERS))

    def forward(self, features: Tensor) -> AgeGenderLogits:
        """(B, C) -> logits."""
        return AgeGenderLogits(self.age(features), self.gender(features))


class AgeGenderNet(nn.Module):
    """A network of age and gender; a subclass builds its layers and says how to compute ``features``."""

    num_features: int  # C, the number of pooled features
    heads: AgeGenderHeads  # (B, C) features -> age and gender logits
    #: Prefixes of the weights that a file of initial weights may leave out whole.
    new_parts: tuple[str, ...] = ("heads.",)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) normalised RGB -> (B, C) pooled features, which the heads read."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> AgeGenderLogits:
        """(B, 3, S, S) normalised RGB -> logits."""
        return self.heads(self.features(images))


def _stack(
    features: int, hidden: Sequence[int], dropout: Sequence[float], batch_norm: bool, outputs: int
) -> nn.Sequential:
    if not hidden:
        return nn.Sequential(nn.Dropout(dropout[0]), nn.Linear(features, outputs))
    layers: list[nn.Module] = []
    for depth, (width, rate) in enumerate(zip(hidden, dropout, strict=True)):
        layers.append(nn.Linear(features, width))
        if batch_norm and depth == 0:
            layers.append(nn.BatchNorm1d(width))
        layers += [nn.ReLU(), nn.Dropout(rate)]
        features = width
    layers.append(nn.Linear(features, outputs))
    return nn.Sequential(*layers)
