"""What a label is: a gender, an age from 0 to 100, and the sample that carries them.

Labels come from many hands. Parsing is strict and its errors are sentences, because a label that is
silently misread costs more than one that is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agelens.errors import LabelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_AGE = 0
MAX_AGE = 100  # older faces are clipped: the last of the 101 bins means "100 or more"
NUM_AGES = MAX_AGE - MIN_AGE + 1

#: The oldest age believed to be a person's and not a typing error; the oldest on record is 122.
OLDEST_BELIEVED = 122


class Gender(StrEnum):
    """The binary label of the data sets. It is not a person's identity."""

    MALE = "male"
    FEMALE = "female"

    @property
    def position(self) -> int:
        """Position in every gender output of AgeLens: 0 male, 1 female."""
        return 0 if self is Gender.MALE else 1


GENDERS: tuple[Gender, Gender] = (Gender.MALE, Gender.FEMALE)

_GENDER_WORDS = dict.fromkeys(("male", "m", "man"), Gender.MALE)
_GENDER_WORDS |= dict.fromkeys(("female", "f", "woman"), Gender.FEMALE)


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image, the row of a manifest.

    The age is known in one of three ways, or not at all: exactly (``age``), as an interval
    (``age_low``, ``age_high``, both years included), or as a noisy reading (``age`` and ``age_std``).
    All are in years, 0 to 100.
    """

    image: str
    age: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    age_std: float | None = None
    gender: Gender | None = None
    subject: str = ""
    group: str = ""
    split: str = ""
    source: str = ""
    duplicate_group: str = ""

    @property
    def point_age(self) -> float | None:
        """The age in years, the middle of the interval if that is all there is, or None."""
        if self.age is not None:
            return self.age
        if self.age_low is not None and self.age_high is not None:
            return (self.age_low + self.age_high) / 2
        return None


def ages_of(samples: Iterable[Sample]) -> NDArray[np.float64]:
    """The samples' ages in years, (n,) float64: the middle of an interval, NaN where none is known."""
    import numpy as np  # not above: ``import agelens`` reads this module, and NumPy takes most of a second

    return np.array([sample.point_age for sample in samples], dtype=np.float64)  # reads None as NaN


def genders_of(samples: Iterable[Sample]) -> NDArray[np.int64]:
    """The samples' genders as positions in ``GENDERS``, (n,) int64; -1 where none is known."""
    import numpy as np

    return np.array([-1 if s.gender is None else s.gender.position for s in samples], dtype=np.int64)


def parse_age(text: str) -> tuple[float, bool]:
    """Read an age in years.

    Returns:
        The age within 0..100, and whether it was older and has been clipped to 100.

    Raises:
        LabelError: ``text`` is no number, negative, or beyond any human age.
    """
    try:
        age = float(text)
    except ValueError:
        raise LabelError(f"age {text!r} is not a number") from None
    if not math.isfinite(age) or not MIN_AGE <= age <= OLDEST_BELIEVED:
        raise LabelError(f"age {text!r} is not between {MIN_AGE} and {OLDEST_BELIEVED} years")
    return min(age, float(MAX_AGE)), age > MAX_AGE


def parse_gender(text: str, code: dict[str, Gender] | None = None) -> Gender | None:
    """Read a gender from a word, or through ``code`` where the data set has its own; empty means unknown.

    Raises:
        LabelError: a word that is neither in ``code`` nor, without a code, a gender.
    """
    word = text.strip()
    if not word:
        return None
    if code is None:
        gender = _GENDER_WORDS.get(word.lower())
        problem = "is neither 'male' nor 'female'; a bare code needs --gender-code"
    else:  # pandas saves a column of whole numbers with gaps as floats
        gender = code.get(word) or code.get(word.removesuffix(".0"))
        problem = f"is not in the code {', '.join(f'{key}={value}' for key, value in code.items())}"
    if gender is None:
        raise LabelError(f"gender {text!r} {problem}")
    return gender


def parse_gender_code(text: str) -> dict[str, Gender]:
    """Read how a data set writes gender, such as ``0=male,1=female``.

    Raises:
        LabelError: the text does not name both genders once.
    """
    code: dict[str, Gender] = {}
    for part in text.split(","):
        key, separator, word = part.partition("=")
        gender = _GENDER_WORDS.get(word.strip().lower())
        if not separator or not key.strip() or gender is None:
            raise LabelError(f"gender code {text!r} is not of the form 0=male,1=female")
        code[key.strip()] = gender
    if set(code.values()) != set(GENDERS):
        raise LabelError(f"gender code {text!r} must name both male and female")
    return code
