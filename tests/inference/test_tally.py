from __future__ import annotations

from dataclasses import replace

import numpy as np

from agelens.inference.answers import Answer, Face
from agelens.inference.options import AnswerOptions
from agelens.inference.tally import NAMED, Tally
from agelens.inference.writers import parquet_table
from agelens.labels import Gender

FACE = Face(
    (10, 20, 60, 70), 0.9, 31.4, (24, 39.5), 0.9, Gender.FEMALE, 0.97, np.full(101, 1 / 101), quality=0.5
)
REFUSED = replace(FACE, refused="quality 0.50 is below 0.6")
ANSWERS = [
    Answer("é\u2028.jpg", 99, 99, (FACE, REFUSED)),
    Answer("none.jpg", 99, 99),
    Answer("gone.jpg", error="gone.jpg: no such file"),
]


def test_answers_and_their_table_are_counted_alike() -> None:
    answered, tabled = Tally(AnswerOptions()), Tally(AnswerOptions())
    with answered as add:
        for answer in ANSWERS:
            add(answer, "")
    tabled.add_table(parquet_table(ANSWERS, AnswerOptions()))
    assert answered == tabled
    assert (answered.images, answered.faces, answered.refused, answered.failed) == (3, 2, 1, 1)
    nothing = Tally(AnswerOptions())
    nothing.add_table(parquet_table(ANSWERS[1:], AnswerOptions()))
    assert (nothing.images, nothing.faces) == (2, 0)


def test_a_tally_tells_the_refused_then_the_first_failures_then_how_many() -> None:
    tally = Tally(AnswerOptions(min_quality=0.6))
    assert tally.sentences() == []
    tally.add(ANSWERS[0])
    for number in range(NAMED + 5):
        tally.add(Answer("", error=f"{number}.jpg: gone"))
    said = tally.sentences()
    assert said[0] == "1 faces are below quality 0.6 and were refused"
    assert said[1] == "0.jpg: gone"
    assert said[-2:] == ["… and 5 more", "25 of 26 images could not be read"]
    assert len(said) == NAMED + 3


def test_a_jobs_tally_tells_its_sum_and_where_the_errors_are() -> None:
    tally = Tally(AnswerOptions(), "out.parquet", resumed=2)
    for answer in ANSWERS:
        tally.add(answer)
    assert tally.sentences()[0] == "out.parquet: 2 faces of 3 images, 2 of them before this start"
    assert tally.sentences()[-1] == "1 of 3 images could not be read; see the column 'error'"


def test_files_of_several_frames_are_counted_once_and_said_at_the_end() -> None:
    several = Answer("a.gif", 9, 9, (FACE, FACE), frames=12)
    answered, tabled = Tally(AnswerOptions()), Tally(AnswerOptions())
    for answer in (several, ANSWERS[1]):
        answered.add(answer)
    tabled.add_table(parquet_table([several, ANSWERS[1]], AnswerOptions()))
    assert answered == tabled
    assert answered.sentences() == ["1 file holds several frames or pages; its first was read"]
    answered.add(Answer("b.tif", 9, 9, frames=2))
    answered.add(ANSWERS[2])
    expected = "2 files hold several frames or pages; the first of each was read"
    assert expected in answered.sentences()
