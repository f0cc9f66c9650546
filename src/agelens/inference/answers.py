"""What is answered: a face read, an image's faces, and the distributions that they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agelens import ages
from agelens.labels import Gender

#: What of a face's values is withheld where its quality does not suffice.
_ANSWERS = frozenset({"age", "age_interval", "gender", "gender_probability", "at_least_probability"})

#: The level of an answer's interval unless another is asked for.
LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a picture, read.

    Attributes:
        box: x0, y0, x1, y1, in pixels of the upright original.
        detection: the detector's confidence, 0..1.
        age: years; the expectation of the distribution.
        age_interval: years; holds the age with probability ``interval_level``.
        interval_level: of the interval, 0..1.
        gender: the more probable label.
        gender_probability: of that label, 0.5..1.
        age_probabilities: (101,) float32, the whole distribution over ages 0..100; sums to 1.
        quality: 0..1, how far the face can be trusted to be read; see ``agelens.faces.quality``.
    """

    box: tuple[float, float, float, float]
    detection: float
    age: float
    age_interval: tuple[float, float]
    interval_level: float
    gender: Gender
    gender_probability: float
    age_probabilities: NDArray[np.float32] = field(repr=False, compare=False)
    quality: float = 1.0

    def probability_at_least(self, age: int) -> float:
        """The probability that the person is ``age`` or older.

        Raises:
            ValueError: ``age`` is not within 0..100.
        """
        return float(ages.survival(self.age_probabilities, age))

    def refusal(self, min_quality: float) -> str | None:
        """Why the face is not answered where that much quality is asked for; None where it is."""
        if self.quality >= min_quality:
            return None
        return f"quality {self.quality:.2f} is below {min_quality:g}"

    def to_dict(self, at_least: int | None = None, min_quality: float = 0.0) -> dict[str, Any]:
        """The face as plain JSON values; years to a tenth, probabilities to three digits.

        With ``at_least``, the probability of being so old or older is added. Below ``min_quality``,
        ``refused`` says why and the answers are null.
        """
        refused = self.refusal(min_quality)
        extra = (
            {}
            if at_least is None
            else {"at_least": at_least, "at_least_probability": round(self.probability_at_least(at_least), 3)}
        )
        values = {
            "box": [round(value, 1) for value in self.box],
            "detection": round(self.detection, 3),
            "quality": round(self.quality, 3),
            "refused": refused,
            "age": round(self.age, 1),
            "age_interval": [round(value, 1) for value in self.age_interval],
            "interval_level": self.interval_level,
            "gender": str(self.gender),
            "gender_probability": round(self.gender_probability, 3),
            **extra,
        }
        return values if refused is None else values | dict.fromkeys(_ANSWERS & values.keys())


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one image: its faces (perhaps none), or the error that kept it from being read.

    ``width`` and ``height`` are pixels of the upright original; 0 where there is an error.
    """

    image: str
    width: int = 0
    height: int = 0
    faces: tuple[Face, ...] = ()
    error: str | None = None

    def to_dict(self, at_least: int | None = None, min_quality: float = 0.0) -> dict[str, Any]:
        """The answer as plain JSON values; ``at_least`` and ``min_quality`` as for a face."""
        return {
            "image": self.image,
            "width": self.width,
            "height": self.height,
            "error": self.error,
            "faces": [face.to_dict(at_least, min_quality) for face in self.faces],
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """The network's answer for n aligned faces.

    Attributes:
        age: (n, 101) float32, rows sum to 1.
        gender: (n, 2) float32, male and female, rows sum to 1.
    """

    age: NDArray[np.float32]
    gender: NDArray[np.float32]
