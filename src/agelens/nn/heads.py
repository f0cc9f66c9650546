"""The layers above a backbone: gate attention over the pooled features, and the two heads."""

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
        return features * self.gate(features)


class AgeGenderHeads(nn.Module):
    """Two separate stacks over shared features, (B, C) -> age and gender logits.

    Args:
        features: C.
        hidden: widths of the layers between the features and the logits; empty for linear heads.
        dropout: one rate for each hidden layer, applied after it; linear heads have one rate, applied before
            the logits.
        batch_norm: whether the first hidden layer is batch-normalised.

    Raises:
        ValueError: the numbers of hidden layers and dropout rates do not match.
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


def check_lengths(hidden: Sequence[int], dropout: Sequence[float]) -> None:
    """Check that each hidden layer of a head has its dropout rate; linear heads have one rate.

    Raises:
        ValueError: the lengths do not match.
    """
    if len(dropout) != max(1, len(hidden)):
        raise ValueError(
            f"a head of {len(hidden)} hidden layers takes {max(1, len(hidden))} dropout rates, "
            f"not {len(dropout)}: one for each layer (one rate for a head without hidden layers)"
        )


def _stack(
    features: int, hidden: Sequence[int], dropout: Sequence[float], batch_norm: bool, outputs: int
) -> nn.Sequential:
    layers: list[nn.Module] = []
    if not hidden:
        return nn.Sequential(nn.Dropout(dropout[0]), nn.Linear(features, outputs))
    for depth, (width, rate) in enumerate(zip(hidden, dropout, strict=True)):
        layers.append(nn.Linear(features, width))
        if batch_norm and depth == 0:
            layers.append(nn.BatchNorm1d(width))
        layers += [nn.ReLU(), nn.Dropout(rate)]
        features = width
    layers.append(nn.Linear(features, outputs))
    return nn.Sequential(*layers)
