"""What is answered: a face, an image's faces, and the distributions that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agelens import ages
from agelens.faces.boxes import Box
from agelens.inference.carried import plain
from agelens.inference.options import AnswerOptions
from agelens.labels import Gender
from agelens.models.spec import Head


def _reported(digits: int | None = None, *, head: Head | None = None, asked: bool = False) -> dict[str, Any]:
    """Of a reported field: its decimals, the head that answers it, or that it is there if asked for.

    A refused face withholds what a head answers.
    """
    return {"digits": digits, "withheld": head is not None, "head": head, "asked": asked}


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a picture, answered.

    The fields that carry metadata are, in this order, the values of its JSON and the columns of its tables.
    What the model has not learnt to answer is None.

    Attributes:
        box: x0, y0, x1, y1, in pixels of the upright original.
        detection: the detector's confidence, 0..1.
        turn: degrees, 0, 90, 180 or 270, clockwise, by which the face is turned in the picture.
        quality: 0..1, the share of the calibration faces that could be trusted less to be read; see
            ``agelens.faces.quality``.
        refused: why the answers are withheld from JSON and tables; None where they are not.
        age: years; the point of the distribution that was asked for.
        age_interval: years; holds the age with probability ``interval_level``.
        interval_level: coverage of the interval, 0..1.
        gender: the more probable label.
        gender_probability: of that label, 0.5..1.
        at_least: years, where the probability of being this old or older was asked for; else None.
        at_least_probability: that probability, 0..1; None where it was not asked for.
        age_probabilities: (101,) float32, the whole distribution over ages 0..100; sums to 1.
    """

    box: Box = field(metadata=_reported(1))
    detection: float = field(metadata=_reported(3))
    turn: int = field(default=0, kw_only=True, metadata=_reported())
    quality: float = field(default=1.0, kw_only=True, metadata=_reported(3))
    refused: str | None = field(default=None, kw_only=True, metadata=_reported())
    age: float | None = field(metadata=_reported(1, head="age"))
    age_interval: tuple[float, float] | None = field(metadata=_reported(1, head="age"))
    interval_level: float = field(metadata=_reported())
    gender: Gender | None = field(metadata=_reported(head="gender"))
    gender_probability: float | None = field(metadata=_reported(3, head="gender"))
    at_least: int | None = field(default=None, kw_only=True, metadata=_reported(asked=True))
    at_least_probability: float | None = field(
        default=None, kw_only=True, metadata=_reported(3, head="age", asked=True)
    )
    age_probabilities: NDArray[np.float32] | None = field(repr=False, compare=False)

    @classmethod
    def answered(cls, options: AnswerOptions, *, quality: float, **values: Any) -> Face:
        """A face answered as the options ask: refused, and its probability of an age, where they say so."""
        asked, lowest = options.at_least, options.min_quality
        refused = None if quality >= lowest else f"quality {quality:.2f} is below {lowest:g}"
        face = cls(quality=quality, refused=refused, interval_level=options.level, **values)
        if asked is None:
            return face
        return replace(face, at_least=asked, at_least_probability=face.probability_at_least(asked))

    def without(self, heads: Sequence[Head]) -> Face:
        """The face with nothing that these heads would answer."""
        unknown: dict[str, Any] = {
            one.name: None for one in fields(self) if one.metadata.get("head") in heads
        }
        if "age" in heads:
            unknown["age_probabilities"] = None
        return replace(self, **unknown)

    def probability_at_least(self, age: int) -> float:
        """The probability that the person is ``age`` or older.

        Raises:
            ValueError: ``age`` is not within 0..100, or the model answers no ages.
        """
        if self.age_probabilities is None:
            raise ValueError("the model has not learnt to answer ages")
        return float(ages.survival(self.age_probabilities, age))

    def to_dict(self) -> dict[str, Any]:
        """The face as plain JSON values; years to a tenth, probabilities to three digits.

        Where ``refused`` says why, the answers are null. What was not asked for is left out.
        """
        return {
            one.name: None if one.metadata["withheld"] and self.refused else _plain(self, one)
            for one in reported_fields(self)
        }


def reported_fields(asked: AnswerOptions | Face) -> list[Field[Any]]:
    """The fields of a face that JSON and tables report, in order; what was not asked for is left out."""
    every = [one for one in fields(Face) if one.metadata]
    return [one for one in every if asked.at_least is not None or not one.metadata["asked"]]


def _plain(face: Face, one: Field[Any]) -> Any:
    value, digits = getattr(face, one.name), one.metadata["digits"]
    if isinstance(value, str):
        return str(value)
    if digits is None or value is None:
        return value
    return [round(each, digits) for each in value] if isinstance(value, tuple) else round(value, digits)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one image: its faces (perhaps none), or the error that kept it from being read.

    ``width`` and ``height`` are pixels of the upright original; 0 where there is an error. ``frames`` is how
    many frames or pages the file holds, of which the first was read. ``row`` holds the other columns of the
    table that the image is a row of, by name.
    """

    image: str
    width: int = 0
    height: int = 0
    faces: tuple[Face, ...] = ()
    error: str | None = None
    frames: int = 1
    row: Mapping[str, object] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        faces = [face.to_dict() for face in self.faces]
        size = {"width": self.width, "height": self.height, "frames": self.frames}
        row = {} if self.row is None else {"row": plain(self.row)}
        return {"image": self.image, **size, "error": self.error, "faces": faces, **row}


@dataclass(frozen=True, slots=True)
class Reading:
    """The network's answer for n aligned faces.

    Attributes:
        age: (n, 101) float32, rows sum to 1.
        gender: (n, 2) float32, male and female, rows sum to 1.
    """

    age: NDArray[np.float32]
    gender: NDArray[np.float32]


def average(readings: Sequence[Reading]) -> Reading:
    """The mean of readings of the same faces, by several models or from mirror images."""
    return Reading(
        np.mean([reading.age for reading in readings], axis=0, dtype=np.float32),
        np.mean([reading.gender for reading in readings], axis=0, dtype=np.float32),
    )


def concatenate(readings: Sequence[Reading]) -> Reading:
    """Readings of different faces, one after the other."""
    return Reading(
        np.concatenate([reading.age for reading in readings]),
        np.concatenate([reading.gender for reading in readings]),
    )
