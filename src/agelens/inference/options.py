"""What a reader may choose about answers: one object, from the command line down to the predictor."""

from __future__ import annotations

from dataclasses import dataclass

from agelens.ages import PointEstimate

#: The levels that an age interval can be asked for at: the range that calibration covers.
LOWEST_LEVEL, HIGHEST_LEVEL = 0.5, 0.99


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How faces are answered.

    Attributes:
        level: coverage asked of the age intervals, 0.5..0.99.
        at_least: also answer the probability of being this old or older, years 0..100; None leaves it out.
        min_quality: faces of less quality (0..1) are refused: they keep their box and lose their answers.
        point: which age of the distribution is the answer.
        flip: average each face's answer with its mirror image's.

    Raises:
        ValueError: a value out of its range.
    """

    level: float = 0.9
    at_least: int | None = None
    min_quality: float = 0.0
    point: PointEstimate = "mean"
    flip: bool = False

    def __post_init__(self) -> None:
        if not LOWEST_LEVEL <= self.level <= HIGHEST_LEVEL:
            raise ValueError(f"level must be {LOWEST_LEVEL} to {HIGHEST_LEVEL}, not {self.level}")
        if self.at_least is not None and not 0 <= self.at_least <= 100:
            raise ValueError(f"at_least must be 0 to 100 years, not {self.at_least}")
        if not 0 <= self.min_quality <= 1:
            raise ValueError(f"min_quality must be 0 to 1, not {self.min_quality}")
        if self.point not in ("mean", "median"):
            raise ValueError(f"point must be 'mean' or 'median', not {self.point!r}")
