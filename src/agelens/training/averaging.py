"""The moving average of the weights that validation measures and the best checkpoint keeps.

Lightning's own callback averages at a fixed decay from the first step, so that the first epochs are judged
by little but the random start. Here the decay rises to its value, as in TensorFlow's and timm's averages:
after n steps it is at most (1 + n) / (10 + n).
"""

from __future__ import annotations

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class MovingAverage(WeightAveraging):
    """An exponential moving average of weights and buffers, updated at every step."""

    def __init__(self, decay: float) -> None:
        """``decay`` is what the average keeps of itself at a step, once it has warmed up; below 1."""

        def update(
            averaged: tuple[Tensor, ...] | list[Tensor],
            current: tuple[Tensor, ...] | list[Tensor],
            steps: Tensor | int,
        ) -> None:
            if not averaged[0].is_floating_point():  # counters of batches: they are no weights
                torch._foreach_copy_(list(averaged), list(current))
                return
            warm = min(decay, (1 + int(steps)) / (10 + int(steps)))
            torch._foreach_lerp_(list(averaged), list(current), 1 - warm)

        super().__init__(use_buffers=True, multi_avg_fn=torch.no_grad()(update))
