"""The public interface under ``mypy --strict``: every answer has a type, and none of them is ``Any``.

Run it with the names of some photos; check it with ``mypy --strict typed.py``.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import agelens
from agelens import Answer, AnswerOptions, Face, Gender, ImageRef, Predictor


def adults(predictor: Predictor, paths: list[Path], surely: float) -> Iterator[tuple[str, Face]]:
    """The faces that are 18 or older with at least this probability, with the name of their picture."""
    options = AnswerOptions(at_least=18)
    images = [ImageRef(path.name, path, row={"size": path.stat().st_size}) for path in paths]
    for answer in predictor.predict_many(images, options):
        assert_type(answer, Answer)
        assert_type(answer.error, str | None)
        assert_type(answer.faces, tuple[Face, ...])
        for face in answer.faces:
            assert_type(face.at_least_probability, float | None)
            if face.at_least_probability is not None and face.at_least_probability >= surely:
                yield answer.image, face


def described(face: Face) -> str:
    """A face in a line. What a model has not learnt to answer is None, and mypy asks about it."""
    assert_type(face.box, tuple[float, float, float, float])
    assert_type(face.quality, float)
    assert_type(face.age_probabilities, NDArray[np.float32] | None)
    if face.age is None or face.age_interval is None or face.gender is None:
        return "not answered"
    assert_type(face.age, float)
    assert_type(face.gender, Gender)
    low, high = face.age_interval
    return f"{face.age:.0f} years ({low:.0f} to {high:.0f}), {face.gender}"


def main() -> None:
    """Describe the adults in the photos that are named."""
    predictor = agelens.load("embedded")
    assert_type(predictor, Predictor)
    try:
        for name, face in adults(predictor, [Path(name) for name in sys.argv[1:]], surely=0.9):
            print(name, described(face))
    except agelens.AgeLensError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
