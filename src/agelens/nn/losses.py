"""The loss: KL divergence for the age distribution, cross-entropy for gender, optionally L1 on the mean.

A sample may lack one label; it then counts only in the other's term.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from agelens.labels import NUM_AGES
from agelens.nn.heads import AgeGenderLogits

NO_GENDER = -1


class LossConfig(BaseModel):
    """Weights of the terms, and how soft the labels are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sigma: float = Field(default=1.5, gt=0)  # years, of an exact age's Gaussian
    sigma_per_year: float = Field(default=0.0, ge=0)  # by which it grows with age
    teacher: float = Field(default=0.0, ge=0, le=1)  # share of a teacher's answer in the target
    hint: float = Field(default=0.0, ge=0)  # of the squared error in foretelling the teacher's features
    age: float = Field(default=1.0, ge=0)
    gender: float = Field(default=1.0, ge=0)
    expectation: float = Field(default=0.0, ge=0)  # per year of L1 error of the mean age
    gender_smoothing: float = Field(default=0.0, ge=0, lt=1)


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

    def forward(
        self,
        logits: AgeGenderLogits,
        age_target: Tensor,
        gender: Tensor,
        soft_gender: Tensor | None = None,
    ) -> LossTerms:
        """Compare logits with labels.

        Args:
            logits: (B, 101) and (B, 2).
            age_target: (B, 101), rows sum to 1, or are all zero where the age is unknown.
            gender: (B,) 0 male, 1 female, -1 unknown.
            soft_gender: (B, 2) probabilities to learn in place of ``gender``, smoothing included; rows of
                zeros where unknown.
        """
        age_logits, gender_logits = logits.age.float(), logits.gender.float()
        known = age_target.sum(dim=1) > 0.5
        count = known.sum().clamp(min=1)
        log_probabilities = F.log_softmax(age_logits, dim=1)
        # A row of zeros has zero divergence, so unknown ages drop out of the sum by themselves.
        age = F.kl_div(log_probabilities, age_target, reduction="sum") / count
        expected = log_probabilities.exp() @ self.ages
        error = (expected - age_target @ self.ages).abs()
        expectation = (error * known).sum() / count
        with_gender = (gender != NO_GENDER).sum().clamp(min=1)
        if soft_gender is not None:
            gender_loss = -(soft_gender * F.log_softmax(gender_logits, dim=1)).sum() / with_gender
        else:
            gender_loss = self._hard_gender(gender_logits, gender) / with_gender
        total = (
            self.config.age * age + self.config.gender * gender_loss + self.config.expectation * expectation
        )
        return LossTerms(total, age, gender_loss, expectation)

    def _hard_gender(self, logits: Tensor, gender: Tensor) -> Tensor:
        return F.cross_entropy(
            logits,
            gender,
            ignore_index=NO_GENDER,
            label_smoothing=self.config.gender_smoothing,
            reduction="sum",
        )
