from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from agelens.inference.carried import carried_names, plain, text, united


def test_a_column_that_the_answers_have_too_is_renamed() -> None:
    assert carried_names(["id", "age", "image"], ["image", "age"]) == {
        "id": "id",
        "age": "row_age",
        "image": "row_image",
    }
    assert carried_names(["age", "row_age"], ["age"]) == {"age": "row_row_age", "row_age": "row_age"}
    assert carried_names(["row_age", "age"], ["age", "row_age"]) == {
        "row_age": "row_row_age",
        "age": "row_row_row_age",
    }


def test_a_column_that_differs_between_tables_is_text() -> None:
    assert united([{"id": int, "at": float}, {"id": int, "at": str}, {}]) == {"id": int, "at": str}
    assert united([{"id": int}, {"id": float}, {"id": int}]) == {"id": str}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("ä", "ä"),
        (True, True),
        (2**60, 2**60),
        (1.5, 1.5),
        (float("nan"), None),
        (float("-inf"), "-inf"),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "2024-02-29T12:00:00+00:00"),
        (date(2024, 2, 29), "2024-02-29"),
        (time(1, 2, 3), "01:02:03"),
        (timedelta(minutes=1), 60.0),
        (Decimal("1.50"), "1.50"),
        (b"\xff\x00", "/wA="),
        ({1: [date(2024, 1, 1)], "b": (None,)}, {"1": ["2024-01-01"], "b": [None]}),
    ],
)
def test_a_value_is_plain_json(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == expected


def test_numpys_numbers_are_pythons() -> None:
    told = plain({"a": np.int64(7), "b": np.float32(0.5), "c": np.bool_(True), "d": np.float64("nan")})
    assert told == {"a": 7, "b": 0.5, "c": True, "d": None}
    assert [type(value) for value in told.values()] == [int, float, bool, type(None)]


def test_a_cell_is_text_or_json() -> None:
    cells = [text(one) for one in ("a", None, 3, 0.5, True, {"ä": [1]}, date(2024, 1, 1))]
    assert cells == ["a", None, "3", "0.5", "true", '{"ä": [1]}', "2024-01-01"]
