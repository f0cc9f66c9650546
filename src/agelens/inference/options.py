"""What a caller may choose about answers: one object, from the command line down to the predictor."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, get_args

from agelens.ages import PointEstimate
from agelens.labels import MAX_AGE, MIN_AGE

#: The coverage of an age interval unless another is asked for.
LEVEL = 0.9


def _about(text: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"help": text, "min": low, "max": high}


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How faces are answered.

    Each field's metadata has its ``help``, ``min`` and ``max``; the command line makes its options of them.

    Attributes:
        level: coverage asked of the age intervals, 0.5..0.99: the range that calibration covers.
        at_least: also answer the probability of being this old or older, years 0..100; None leaves it out.
        min_quality: faces of less quality (0..1) are refused: they keep their box and lose their answers.
        point: which age of the distribution is the answer.
        flip: average each face's answer with its mirror image's.
        lenient: read files whose last bytes are missing, as far as they go.

    Raises:
        ValueError: a value out of its range.
    """

    level: float = field(default=LEVEL, metadata=_about("Coverage of the age interval.", 0.5, 0.99))
    at_least: int | None = field(
        default=None,
        metadata=_about("Years; also answer how probable this age or more is.", MIN_AGE, MAX_AGE),
    )
    min_quality: float = field(
        default=0.0,
        metadata=_about("Lowest quality of a face, 0 to 1; a lower one is refused.", 0.0, 1.0),
    )
    point: PointEstimate = field(
        default="mean", metadata=_about("Point of the age distribution that is the answered age.")
    )
    flip: bool = field(
        default=False, metadata=_about("Average each answer with its mirror image's; takes twice as long.")
    )
    lenient: bool = field(
        default=False, metadata=_about("Read pictures whose last bytes are missing, as far as they go.")
    )

    def __post_init__(self) -> None:
        for option in fields(self):
            value, low, high = getattr(self, option.name), option.metadata["min"], option.metadata["max"]
            if value is not None and low is not None and not low <= value <= high:
                raise ValueError(f"{option.name} must be {low:g} to {high:g}, not {value:g}")
        if self.point not in get_args(PointEstimate):
            raise ValueError(f"point must be 'mean' or 'median', not {self.point!r}")
