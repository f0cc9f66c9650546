from __future__ import annotations

from agelens.evaluation.groups import Prediction
from agelens.evaluation.refusing import refusing
from agelens.labels import Gender, Sample


def faces(count: int) -> list[Prediction]:
    """The less quality, the larger the error."""
    return [
        Prediction(Sample("f", age=30, gender=Gender.MALE), 30 + n / 10, (0, 100), 0.9, quality=1 - n / count)
        for n in range(count)
    ]


def test_refusing_the_least_sure_leaves_a_smaller_error() -> None:
    rows = refusing(faces(100))
    assert [round(row.answered, 2) for row in rows] == [1.0, 0.96, 0.91, 0.81, 0.71, 0.51]
    errors = [row.mae.value for row in rows if row.mae is not None]
    assert errors == sorted(errors, reverse=True)
    for row in rows:
        assert sum(face.quality >= row.min_quality for face in faces(100)) == round(100 * row.answered)


def test_few_faces_show_nothing() -> None:
    assert refusing(faces(49)) == ()
