"""Networks: each takes (B, 3, S, S) normalised RGB and answers age and gender logits. Needs torch."""

from agelens.nn.build import NetworkConfig, build_network
from agelens.nn.heads import AgeGenderLogits

__all__ = ["AgeGenderLogits", "NetworkConfig", "build_network"]
