"""Networks: each takes (B, 3, S, S) normalised RGB and answers age and gender logits. Needs torch."""

from agelens.nn.base import AgeGenderNet
from agelens.nn.build import NetworkConfig, build_network
from agelens.nn.heads import AgeGenderLogits
from agelens.nn.losses import AgeGenderLoss, LossConfig

__all__ = ["AgeGenderLogits", "AgeGenderLoss", "AgeGenderNet", "LossConfig", "NetworkConfig", "build_network"]
