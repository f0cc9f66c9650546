"""The Python that the documentation shows is run, page by page, in the order in which it stands."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import agelens

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def blocks(page: Path, language: str = "python") -> list[str]:
    """The blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path, astronaut: Path, yunet: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the files that the pages name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    shutil.copy(astronaut, "photo.jpg")
    Path("photos").mkdir()
    shutil.copy(astronaut, "photos/photo.jpg")
    Path("customers.csv").write_text("path,customer,age\nphoto.jpg,7,36\ngone.jpg,8,20\n")
    before = logging.getLogger("agelens").level
    yield tmp_path
    logging.getLogger("agelens").setLevel(before)


def run(page: Path) -> dict[str, Any]:
    """What the names of a page are after all of its blocks."""
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks(page), start=1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)
    return names


def test_the_page_on_python_runs_as_it_is_printed(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    predictor = agelens.load("embedded")
    write_as_the_command_does(predictor)
    names = run(DOCS / "python.md")
    printed = capsys.readouterr().out
    for shown in blocks(DOCS / "python.md", "text"):
        assert shown in printed
    joined, carried = names["joined"], names["carried"]
    assert joined["error_years"].tolist()[0] == pytest.approx(names["answers"]["age"][0] - 36)
    assert carried["row_age"].tolist() == [36, 20]
    assert carried["customer"].tolist() == [7, 8]
    assert list(names["from_csv"].columns) == list(names["answers"].columns)
    assert list(names["from_parquet"].columns) == list(names["answers"].columns)
    assert len(names["one_face"]) == 1
    assert "no such file" in printed


def test_the_page_for_users_of_others_runs_and_so_does_each_of_its_expressions(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = DOCS / "coming-from.md"
    names = run(page)
    assert capsys.readouterr().out.count("female") == 4
    (face,) = names["predictor"].predict("photo.jpg")
    (answer,) = names["predictor"].predict_many(["gone.jpg"])
    names |= {"face": face, "answer": answer, "picture": names["cv2"].imread("photo.jpg")}
    values = {expression: eval(expression, names) for expression in expressions(page)}
    assert len(values) > 20
    assert values["face.gender"] == "female"
    assert 0.5 <= values["face.gender_probability"] <= 1
    assert values["2 * face.gender_probability - 1"] == 2 * face.gender_probability - 1
    assert values['next(iter(predictor.predict("photo.jpg")), None)'] == face
    assert len(values["face.box"]) == 4
    assert len(values["face.age_probabilities"]) == 101


def test_deepfaces_names_may_be_kept(desk: Path) -> None:
    names = run(DOCS / "coming-from.md")
    (told,) = names["analyze"]("photo.jpg")
    (face,) = names["predictor"].predict("photo.jpg")
    assert (told["age"], told["dominant_gender"]) == (int(face.age), "Woman")
    assert told["gender"]["Woman"] == pytest.approx(100 * face.gender_probability)
    assert told["gender"]["Woman"] + told["gender"]["Man"] == pytest.approx(100)
    box = told["region"]
    assert (box["x"] + box["w"], box["y"] + box["h"]) == tuple(map(round, face.box[2:]))


def expressions(page: Path) -> list[str]:
    """The expressions in the last column of a page's tables, which is that of AgeLens."""
    rows = re.findall(r"^\| .* \| (.*) \|$", page.read_text(), flags=re.MULTILINE)
    return [code for cell in rows for code in re.findall(r"`([^`]+)`", cell)]


def write_as_the_command_does(predictor: agelens.Predictor) -> None:
    """The two files of the page's commands."""
    from agelens.inference.writers import answered, csv_writer, parquet_writer, write_all

    options, images = agelens.AnswerOptions(), [agelens.ImageRef("", Path("photos/photo.jpg"))]
    writers = [csv_writer(Path("answers.csv"), options), parquet_writer(Path("answers.parquet"), options)]
    write_all(answered(predictor, images, options), writers)


def test_many_tasks_share_a_predictor_and_answer_as_one_would(desk: Path) -> None:
    predictor = agelens.load("embedded", threads=1)
    alone = predictor.predict("photo.jpg")

    async def together() -> list[list[agelens.Face]]:
        return await asyncio.gather(*[asyncio.to_thread(predictor.predict, "photo.jpg") for _ in range(12)])

    for faces in asyncio.run(together()):
        assert faces == alone
        assert (faces[0].age_probabilities == alone[0].age_probabilities).all()


def test_the_loop_goes_on_while_a_thread_reads(desk: Path) -> None:
    predictor = agelens.load("embedded")
    ticks = 0

    async def main() -> None:
        nonlocal ticks
        reading = asyncio.create_task(asyncio.to_thread(list, predictor.predict_many(["photo.jpg"] * 20)))
        while not reading.done():
            await asyncio.sleep(0)
            ticks += 1
        assert len(reading.result()) == 20

    asyncio.run(main())
    assert ticks > 20
