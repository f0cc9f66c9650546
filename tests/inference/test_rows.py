from __future__ import annotations

from dataclasses import replace

import numpy as np

from agelens.inference.answers import Answer, Face
from agelens.inference.options import AnswerOptions
from agelens.inference.rows import columns, rows_of, to_rows
from agelens.labels import Gender

FACE = Face((1, 2, 3, 4), 0.9, 31.4, (24, 39.5), 0.9, Gender.FEMALE, 0.97, np.full(101, 1 / 101), quality=0.5)


def test_the_columns_and_their_kinds() -> None:
    assert list(columns(AnswerOptions())) == [
        "image", "face", "x0", "y0", "x1", "y1", "detection", "turn", "quality", "age", "age_low", "age_high",
        "interval_level", "gender", "gender_probability", "refused", "error", "frames",
    ]  # fmt: skip
    asked = columns(AnswerOptions(at_least=18))
    assert list(asked)[-4:] == ["error", "frames", "at_least", "at_least_probability"]
    assert [asked[name] for name in ("image", "face", "x0", "age_low", "gender", "refused", "at_least")] == [
        str, int, float, float, str, str, int,
    ]  # fmt: skip


def test_a_face_is_a_row_with_its_number() -> None:
    rows = rows_of(Answer("a.jpg", 9, 9, (FACE, replace(FACE, box=(5, 6, 7, 8)))))
    assert [(row["image"], row["face"], row["x0"], row["y1"]) for row in rows] == [
        ("a.jpg", 1, 1, 4),
        ("a.jpg", 2, 5, 8),
    ]
    assert (rows[0]["age_low"], rows[0]["age"], rows[0]["age_high"]) == (24, 31.4, 39.5)
    assert set(rows[0]) == set(columns(AnswerOptions())) - {"error"}


def test_a_refused_face_has_no_bounds() -> None:
    (row,) = rows_of(Answer("a.jpg", 9, 9, (replace(FACE, refused="quality 0.50 is below 0.6"),)))
    assert (row["age_low"], row["age"], row["age_high"], row["gender"]) == (None, None, None, None)
    assert row["refused"] == "quality 0.50 is below 0.6"


def test_an_image_without_a_face_has_a_row_too() -> None:
    assert rows_of(Answer("a.jpg", 9, 9)) == [{"image": "a.jpg", "error": None, "frames": 1}]
    assert rows_of(Answer("a.jpg", error="a.jpg: gone")) == [
        {"image": "a.jpg", "error": "a.jpg: gone", "frames": 1}
    ]


def test_the_columns_of_its_table_go_along_with_every_row() -> None:
    carried = {"id": "id", "age": "row_age"}
    answer = Answer("a.jpg", 9, 9, (FACE, FACE), row={"id": 7, "age": 30, "more": 1})
    assert [(row["id"], row["row_age"], row["age"]) for row in rows_of(answer, carried)] == [
        (7, 30, 31.4)
    ] * 2
    assert rows_of(Answer("a.jpg", row={"id": 7}), carried)[0] | {"error": None} == {
        "image": "a.jpg", "error": None, "frames": 1, "id": 7, "row_age": None,
    }  # fmt: skip
    assert set(rows_of(Answer("b.jpg"), carried)[0]) == {"image", "error", "frames", "id", "row_age"}


def test_what_the_model_has_not_learnt_is_empty_in_its_columns() -> None:
    (row,) = rows_of(Answer("a.jpg", 9, 9, (FACE.without(["age", "gender"]),)))
    empty = {name for name, value in row.items() if value is None}
    assert empty == {"age", "age_low", "age_high", "gender", "gender_probability", "refused"}


def test_a_tables_rows_all_have_its_columns_in_their_order() -> None:
    answers = [Answer("gone.jpg", error="gone.jpg: no such file"), Answer("a.jpg", 9, 9, (FACE, FACE))]
    rows = to_rows(answers)
    assert [list(row) for row in rows] == [list(columns(AnswerOptions()))] * 3
    assert [(row["image"], row["face"], row["age"]) for row in rows] == [
        ("gone.jpg", None, None), ("a.jpg", 1, 31.4), ("a.jpg", 2, 31.4),
    ]  # fmt: skip
    assert to_rows(answers[1]) == rows[1:]  # one answer is a table, too


def test_what_was_asked_for_has_columns_also_where_there_is_no_face() -> None:
    (row,) = to_rows([Answer("a.jpg", 9, 9)], AnswerOptions(at_least=18))
    assert list(row)[-2:] == ["at_least", "at_least_probability"]


def test_an_images_own_columns_are_the_last_and_renamed_where_an_answer_has_one() -> None:
    (row,) = to_rows(Answer("a.jpg", 9, 9, (FACE,), row={"id": 7, "age": 30}))
    assert list(row)[-2:] == ["id", "row_age"]
    assert (row["id"], row["row_age"], row["age"]) == (7, 30, 31.4)
