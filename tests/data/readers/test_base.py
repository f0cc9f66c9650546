from __future__ import annotations

import pytest

from agelens.data.readers.base import ImportReport
from agelens.errors import ManifestError
from agelens.labels import Gender, Sample, parse_age


def test_a_refused_row_is_noted_or_ends_a_strict_import() -> None:
    report = ImportReport()
    with report.row("row 2"):
        parse_age("old")
    with report.row("row 3"):
        parse_age("30")
    assert [str(problem) for problem in report.problems] == ["row 2: age 'old' is not a number"]
    with pytest.raises(ManifestError, match=r"row 2: no age \(--strict stops"):
        ImportReport(strict=True).refuse("row 2", "no age")


def test_columns_of_several_tables_that_nothing_used_are_named_once() -> None:
    report = ImportReport()
    report.leave_unused(["file", "race", "b"], ["file"])
    report.leave_unused(["b", "file", "a"], ["file"])
    assert report.unused == ["race", "b", "a"]


def test_labels_are_counted_and_those_nobody_carries_left_out() -> None:
    samples = [
        Sample("a", age=0, gender=Gender.MALE),
        Sample("b", age_low=1, age_high=3, split="val"),
        Sample("c"),
    ]
    assert ImportReport(samples=samples).labels() == {"age": 2, "gender": 1, "split": 1}
