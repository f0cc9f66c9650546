from __future__ import annotations

from agelens.data.problems import Problem


def test_a_problem_says_where_and_why() -> None:
    assert str(Problem("row 4", "the age is empty")) == "row 4: the age is empty"
