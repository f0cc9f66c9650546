from __future__ import annotations

import pytest
import torch
from torch import nn

from agelens.nn.heads import AgeGenderHeads, GateAttention


def test_gate_attention_only_ever_turns_features_down() -> None:
    features = torch.randn(5, 12)
    gated = GateAttention(12, hidden=4).eval()(features)
    assert (gated.abs() < features.abs()).all()
    assert (gated.sign() == features.sign()).all()


def test_linear_heads_drop_out_before_the_logits() -> None:
    heads = AgeGenderHeads(12, [], [0.4])
    assert [type(layer) for layer in heads.age] == [nn.Dropout, nn.Linear]
    assert heads.age[0].p == 0.4


def test_only_the_first_hidden_layer_is_normalised() -> None:
    heads = AgeGenderHeads(12, [8, 6], [0.1, 0.2], batch_norm=True)
    kinds = [type(layer) for layer in heads.gender]
    first, second = [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout], [nn.Linear, nn.ReLU, nn.Dropout]
    assert kinds == [*first, *second, nn.Linear]


def test_the_heads_share_no_weight() -> None:
    heads = AgeGenderHeads(12, [8], [0.0])
    age, gender = heads(torch.randn(3, 12))
    age.sum().backward()
    assert all(weight.grad is None for weight in heads.gender.parameters())
    assert gender.shape == (3, 2)


@pytest.mark.parametrize(("hidden", "rates"), [([8, 4, 2], [0.1, 0.1]), ([8], []), ([], [0.1, 0.1])])
def test_lengths_that_differ_are_refused(hidden: list[int], rates: list[float]) -> None:
    with pytest.raises(ValueError, match=f"takes {max(1, len(hidden))} dropout rates, not {len(rates)}"):
        AgeGenderHeads(12, hidden, rates)
