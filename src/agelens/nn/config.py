"""What networks and losses are made of, as a recipe states it. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator


class ScratchCnnConfig(BaseModel, extra="forbid", frozen=True):
    """The scratch CNN's shape; the defaults are the competition's baseline."""

    kind: Literal["cnn-scratch"] = Field(default="cnn-scratch", description="plain CNN, from random weights")
    widths: tuple[int, ...] = Field(
        default=(64, 128, 256, 512), description="channels of each double-conv block"
    )
    block_dropout: float = Field(
        default=0.25, description="rate at which whole channels are dropped between blocks"
    )
    hidden: int = Field(default=256, description="width of the one layer between the features and the logits")
    head_dropout: float = Field(default=0.5, description="rate before and after that layer")
    weights: str | None = Field(
        default=None, description="file of initial weights; see docs/train-your-own.md"
    )


class EfficientNetConfig(BaseModel, extra="forbid", frozen=True):
    """A timm backbone under attention and heads; the defaults are those of the best public entry.

    ``pretrained`` fetches timm's ImageNet weights from the Hugging Face hub on first use; ``weights`` takes
    them, or any others, from a file (``nn.weights``), and nothing is fetched.
    """

    kind: Literal["efficientnet"] = Field(
        default="efficientnet", description="a timm backbone and gate attention"
    )
    backbone: str = Field(default="tf_efficientnet_b4.ns_jft_in1k", description="its name in timm")
    pretrained: bool = Field(
        default=True, description="start from timm's ImageNet weights, fetched on first use"
    )
    drop_path: float = Field(default=0.2, description="rate of stochastic depth (Huang et al. 2016)")
    attention_hidden: int = Field(default=256, description="width of the gate's hidden layer")
    attention_dropout: float = Field(default=0.2, description="rate in the gate")
    hidden: tuple[int, ...] = Field(default=(256, 128), description="widths of the layers of each head")
    head_dropout: tuple[float, ...] = Field(default=(0.3, 0.2), description="rate after each of these layers")
    weights: str | None = Field(
        default=None, description="file of initial weights; see docs/train-your-own.md"
    )

    @model_validator(mode="after")
    def _one_dropout_rate_per_layer(self) -> EfficientNetConfig:
        check_lengths(self.hidden, self.head_dropout)
        return self


class EmbeddedConfig(BaseModel, extra="forbid", frozen=True):
    """Channels and residual blocks of each stage; every stage after the first halves the resolution."""

    kind: Literal["embedded"] = Field(
        default="embedded", description="small residual network of 3×3 convolutions"
    )
    widths: tuple[int, ...] = Field(default=(32, 64, 128, 256), description="channels of each stage")
    depths: tuple[int, ...] = Field(default=(1, 1, 3, 1), description="residual blocks of each stage")
    dropout: float = Field(default=0.2, description="rate before the two heads")
    weights: str | None = Field(
        default=None, description="file of initial weights; see docs/train-your-own.md"
    )

    @model_validator(mode="after")
    def _one_depth_per_width(self) -> EmbeddedConfig:
        if len(self.widths) != len(self.depths):
            raise ValueError("widths and depths must be equally long, one of each per stage")
        return self


NetworkConfig = Annotated[ScratchCnnConfig | EfficientNetConfig | EmbeddedConfig, Field(discriminator="kind")]


class LossConfig(BaseModel, extra="forbid", frozen=True):
    """Weights of the loss terms, and how the targets are softened."""

    sigma: float = Field(
        default=1.5, gt=0, description="spread of the Gaussian target of an exact age, years"
    )
    sigma_per_year: float = Field(default=0.0, ge=0, description="years added to sigma for each year of age")
    teacher: float = Field(default=0.0, ge=0, le=1, description="share of the teacher's answer in the target")
    hint: float = Field(
        default=0.0, ge=0, description="weight of the MSE between predicted and teacher features"
    )
    age: float = Field(default=1.0, ge=0, description="weight of the KL divergence of age")
    gender: float = Field(default=1.0, ge=0, description="weight of the cross-entropy of gender")
    expectation: float = Field(
        default=0.0, ge=0, description="weight of the L1 error of the mean age, per year"
    )
    gender_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="label smoothing of the gender target"
    )


def check_lengths(hidden: Sequence[int], dropout: Sequence[float]) -> None:
    """Check that each hidden layer of a head has its dropout rate; linear heads have one rate."""
    if len(dropout) != max(1, len(hidden)):
        raise ValueError(
            f"a head of {len(hidden)} hidden layers takes {max(1, len(hidden))} dropout rates, "
            f"not {len(dropout)}: one for each layer (one rate for a head without hidden layers)"
        )
