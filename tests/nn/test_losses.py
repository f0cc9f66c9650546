from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from agelens import ages
from agelens.labels import Sample
from agelens.nn.config import LossConfig
from agelens.nn.heads import AgeGenderLogits
from agelens.nn.losses import AgeGenderLoss


def genders(*labels: int) -> torch.Tensor:
    """One-hot targets; a row of zeros for -1."""
    return torch.stack([torch.eye(2)[label] if label >= 0 else torch.zeros(2) for label in labels])


def targets(*samples: Sample) -> torch.Tensor:
    return torch.from_numpy(ages.targets(samples))


def test_the_loss_is_zero_for_the_label_itself_and_positive_beside_it() -> None:
    target = targets(Sample("a", age=30))
    sure = torch.tensor([[50.0, 0.0]])
    loss = AgeGenderLoss(LossConfig(expectation=1.0))
    right = loss(AgeGenderLogits(target.clamp(min=1e-30).log(), sure), target, genders(0))
    wrong = loss(AgeGenderLogits(target.roll(9, 1).clamp(min=1e-30).log(), sure), target, genders(0))
    assert float(right.total) == pytest.approx(0, abs=1e-4)
    assert float(wrong.expectation) == pytest.approx(9, abs=0.1)
    assert float(wrong.age) > 1


def test_kl_is_the_batch_mean_of_the_divergence() -> None:
    target = targets(Sample("a", age=30), Sample("b", age_low=20, age_high=29))
    logits = torch.randn(2, 101, generator=torch.Generator().manual_seed(0))
    found = AgeGenderLoss(LossConfig())(AgeGenderLogits(logits, torch.zeros(2, 2)), target, genders(0, 1))
    p, q = target.double().numpy(), logits.double().softmax(1).numpy()
    expected = np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0).sum(axis=1).mean()
    assert float(found.age) == pytest.approx(expected, rel=1e-5)
    assert float(found.gender) == pytest.approx(np.log(2))


def test_unknown_labels_count_in_neither_the_loss_nor_its_mean() -> None:
    loss = AgeGenderLoss(LossConfig(expectation=0.5))
    generator = torch.Generator().manual_seed(1)
    logits = AgeGenderLogits(torch.randn(2, 101, generator=generator), torch.randn(2, 2, generator=generator))
    target = targets(Sample("a", age=30), Sample("b"))
    both = loss(logits, target, genders(1, -1))
    alone = loss(AgeGenderLogits(logits.age[:1], logits.gender[:1]), target[:1], genders(1))
    assert torch.allclose(torch.stack(list(both)), torch.stack(list(alone)))


def test_a_batch_without_any_label_gives_no_gradient_and_no_nan() -> None:
    age = torch.randn(2, 101, requires_grad=True)
    terms = AgeGenderLoss(LossConfig())(
        AgeGenderLogits(age, torch.randn(2, 2)), targets(Sample("a"), Sample("b")), genders(-1, -1)
    )
    terms.total.backward()
    assert terms.total.item() == 0
    assert age.grad is not None
    assert age.grad.abs().max() == 0


def test_gender_is_the_cross_entropy_of_torch_smoothing_included() -> None:
    logits = torch.randn(4, 2, generator=torch.Generator().manual_seed(2))
    labels, smoothing = torch.tensor([0, 1, -1, 1]), 0.2
    target = genders(0, 1, -1, 1) * (1 - smoothing) + (labels >= 0).float()[:, None] * smoothing / 2
    found = AgeGenderLoss(LossConfig())(
        AgeGenderLogits(torch.zeros(4, 101), logits), targets(*[Sample("a")] * 4), target
    )
    expected = F.cross_entropy(logits, labels, ignore_index=-1, label_smoothing=smoothing)
    torch.testing.assert_close(found.gender, expected)


def test_the_total_weighs_the_terms() -> None:
    target, gender = targets(Sample("a", age=30)), genders(0)
    logits = AgeGenderLogits(torch.randn(1, 101), torch.tensor([[4.0, 0.0]]))
    terms = AgeGenderLoss(LossConfig(age=2, gender=3, expectation=0.1))(logits, target, gender)
    assert torch.allclose(terms.total, 2 * terms.age + 3 * terms.gender + 0.1 * terms.expectation)
