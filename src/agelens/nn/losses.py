"""The loss: KL divergence for the age distribution, cross-entropy for gender, optionally L1 on the mean age.

A sample may lack one label; it then counts only in the other's term.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agelens.labels import NUM_AGES
from agelens.nn.config import LossConfig
from agelens.nn.heads import AgeGenderLogits


class LossTerms(NamedTuple):
    """Scalars: the weighted sum, and its terms before weighting."""

    total: Tensor
    age: Tensor
    gender: Tensor
    expectation: Tensor


class AgeGenderLoss(nn.Module):
    """The weighted sum of the terms, each a mean over the samples that carry its label."""

    ages: Tensor

    def __init__(self, config: LossConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("ages", torch.arange(NUM_AGES, dtype=torch.float32), persistent=False)

    def forward(self, logits: AgeGenderLogits, age_target: Tensor, gender_target: Tensor) -> LossTerms:
        """Compare logits with targets (B, 101) and (B, 2), which the data set has softened already.

        Their rows sum to 1, or are all zero where the label is unknown: such a row adds nothing to a sum.
        """
        known = age_target.sum(dim=1) > 0.5
        ages = known.sum().clamp(min=1)
        genders = (gender_target.sum(dim=1) > 0.5).sum().clamp(min=1)
        log_age = F.log_softmax(logits.age.float(), dim=1)
        age = F.kl_div(log_age, age_target, reduction="sum") / ages
        error = (log_age.exp() @ self.ages - age_target @ self.ages).abs()
        expectation = (error * known).sum() / ages
        gender = -(gender_target * F.log_softmax(logits.gender.float(), dim=1)).sum() / genders
        weights = self.config
        total = weights.age * age + weights.gender * gender + weights.expectation * expectation
        return LossTerms(total, age, gender, expectation)
