from __future__ import annotations

from agelens.metrics import Estimate
from agelens.models import tables
from agelens.models.measurement import AgeCheck, Coverage, Gap, GroupError, LeftOut, Measurement, Refusal

MEASURED = Measurement(
    split="test",
    level=0.8,
    images=120,
    figures={"interval_coverage": Estimate(0.81, 0.8, 0.82), "mae": Estimate(4.3, 4.2, 4.4)},
    groups=(
        GroupError("age", "0–2", 3, 1.234, -0.5, None, 1.0),
        GroupError("gender", "female", 50, 5, 2, 0.75, 0.5),
        GroupError("age × gender", "0–17, female", 50, 5, 2, 0.75, 0.5),
    ),
    gaps=(
        Gap("age", "coverage", "3–10", "0–2", 0.5, 0.75, Estimate(0.25, 0.1, 0.4)),
        Gap("age × group", "coverage", "3–10, a", "0–2, a", 0.5, 0.75, Estimate(0.25, 0.1, 0.4)),
    ),
    left_out=(
        LeftOut("age", "mae", "71–100", 12, 47.6),
        LeftOut("age", "coverage", "71–100", 12, 0.25),
        LeftOut("age × group", "coverage", "0–17, a", 3, 0.4),
        LeftOut("age × group", "coverage", "0–17, b", 4, 0.6),
    ),
    refusals=(
        Refusal("all", "all", 120, (0.05, 0.1, 0.2, 0.5)),
        Refusal("age", "0–2", 3, (0, 0, 1 / 3, 2 / 3)),
    ),
    coverage=(Coverage("all", 120, (0.5, 0.81, 0.9, 0.95), (3, 7, 12.34, 20)),),
    age_checks=(
        AgeCheck(18, 21, 40, 0.5, (0.4, 0.6), 0.1),
        AgeCheck(13, 13, 40, 0.1, (0.0, 0.2), None),
        AgeCheck(18, 21, 20, 0.2, (0.1, 0.3), None, among="female"),
    ),
)


def test_figures_are_in_one_order_and_name_the_level_measured() -> None:
    table = tables.figure_table(MEASURED)
    assert [tuple(row) for row in table.rows] == [
        ("age MAE, years", "4.30 [4.20, 4.40]"),
        ("coverage of 80 % intervals", "81.0% [80.0%, 82.0%]"),
    ]


def test_small_groups_are_marked_and_crossed_ones_are_not_in_the_summary() -> None:
    table = tables.summary(MEASURED)[1]
    assert table.columns[-1] == "80 % intervals hold"
    assert [tuple(row) for row in table.rows] == [
        ("age 0–2 *", "3", "1.23", "-0.50", "", "100.0%"),
        ("female", "50", "5.00", "+2.00", "75.0%", "50.0%"),
    ]
    assert table.note == "* fewer than 50 faces."


def test_the_intervals_of_groups_are_written_where_there_is_room_for_them() -> None:
    group = GroupError("age", "3–10", 60, 2.0, 0.5, None, 0.9, {"mae": (1.5, 2.5), "coverage": (0.8, 0.95)})
    (row,) = tables.group_table([group], 0.9, intervals=True).rows
    assert tuple(row) == ("age 3–10", "60", "2.00 [1.50, 2.50]", "+0.50", "", "90.0% [80.0%, 95.0%]")
    assert tables.group_table([group], 0.9).rows[0][2] == "2.00"


def test_a_gap_names_both_groups_and_its_unit() -> None:
    row, _ = tables.gap_table(MEASURED).rows
    assert tuple(row) == (
        "80 % intervals hold by age", "3–10: 50.0%", "0–2: 75.0%", "25.0 points [10.0, 40.0]",
    )  # fmt: skip


def test_coverage_is_shown_at_every_reported_level_with_the_width_at_90_percent() -> None:
    table = tables.coverage_table(MEASURED)
    assert tuple(table.columns) == (
        "predicted age", "images", "50 %", "80 %", "90 %", "95 %", "90 % width, years",
    )  # fmt: skip
    assert tuple(table.rows[0]) == ("all", "120", "50.0%", "81.0%", "90.0%", "95.0%", "12.3")


def test_the_check_for_adults_is_everybodys_and_others_say_whose_they_are() -> None:
    (row,) = tables.summary(MEASURED)[-1].rows
    assert tuple(row) == ("18", "21", "40", "50.0% [40.0%, 60.0%]", "10.0%")
    among = tables.check_table(MEASURED.age_checks[2:])
    assert among.columns[0] == "among"
    assert tuple(among.rows[0]) == ("female", "18", "21", "20", "20.0% [10.0%, 30.0%]", "")


def test_every_row_has_as_many_cells_as_columns_and_empty_tables_are_left_out() -> None:
    summary = tables.summary(MEASURED)
    assert len(summary) == 7
    assert all(len(row) == len(table.columns) for table in summary for row in table.rows)
    assert tables.summary(Measurement(images=3, figures={})) == []


def test_the_groups_left_out_of_the_gaps_are_named_and_of_crossed_ones_those_served_worse() -> None:
    table = tables.left_out_table(MEASURED)
    assert [tuple(row) for row in table.rows] == [
        ("age 71–100", "12", "47.60", "", "25.0%"),
        ("0–17, a", "3", "", "", "40.0%"),
    ]
    assert "fewer than 50 faces" in table.title
    assert table.note == "1 more crossed groups are served no worse than the worst above."
    assert table in tables.summary(MEASURED)


def test_refusals_are_told_by_threshold_and_group() -> None:
    table = tables.refusal_table(MEASURED)
    assert tuple(table.columns) == ("group", "images", "below 0.05", "below 0.1", "below 0.2", "below 0.5")
    assert tuple(table.rows[1]) == ("age 0–2", "3", "0.0%", "0.0%", "33.3%", "66.7%")
    assert table in tables.summary(MEASURED)


def test_data_sets_stand_side_by_side_and_others_are_told_what_to_expect() -> None:
    at_80 = MEASURED.model_copy(update={"level": 0.9})
    unseen = (Coverage("aaf", 500, (0.5, 0.8, 0.881, 0.95), (3, 7, 12.3, 20)),)
    table = tables.data_set_table({"utk test": MEASURED, "aaf val": MEASURED}, unseen)
    assert table.columns == ("data", "MAE, years", "gender accuracy", "score", "80 % intervals hold")
    assert table.rows[0] == ("utk test,\n120 images", "4.30\n[4.20, 4.40]", "", "", "81.0%\n[80.0%, 82.0%]")
    assert table.note.endswith("of a set left out of their fit, 90 % intervals held 88.1% of aaf.")
    mixed = tables.data_set_table({"one": MEASURED, "two": at_80})
    assert mixed.columns[-1] == "intervals hold"  # of different levels
    assert mixed.note == ""
