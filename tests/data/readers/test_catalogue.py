from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from PIL import Image

from agelens.data.readers import DATA_SETS, known_sources, terms_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_has_a_reader_that_takes_its_options(name: str) -> None:
    one = DATA_SETS[name]
    module = importlib.import_module(f"agelens.data.readers.{one.reader}")
    reader = getattr(module, f"read_{one.reader}")
    taken = inspect.signature(reader).parameters
    assert {"source", "table"} & taken.keys()
    assert {"manifest", "strict", *one.options, *one.fixed} <= taken.keys()


def test_every_reader_is_in_the_table() -> None:
    modules = {path.stem for path in (ROOT / "src/agelens/data/readers").glob("*.py")}
    assert {one.reader for one in DATA_SETS.values()} == modules - {
        "__init__",
        "base",
        "catalogue",
    }


def test_terms_name_the_data_its_page_and_what_is_permitted() -> None:
    assert terms_of(["utkface", "somebody's", "fairface", "competition", "folder"]) == {
        "utkface": "UTKFace (https://susanqq.github.io/UTKFace/): non-commercial research only",
        "fairface": "FairFace (https://github.com/joojs/fairface): CC BY 4.0",
        "competition": "face_dataset of the Kaggle competition sep-25-dl-gen-ai-nppe-1 "
        "(https://www.kaggle.com/competitions/sep-25-dl-gen-ai-nppe-1): the competition's rules",
    }


def test_a_set_is_known_by_its_short_names_too() -> None:
    names = ["aaf", "appa", "lfw", "scut", "utk", "APPA_REAL", "UTKFace", "Somebody's"]
    known = ["Somebody's", "all-age-faces", "appa-real", "lfw", "scut-fbp5500", "utkface"]
    assert known_sources(names) == known
    assert terms_of(known).keys() == {*known} - {"Somebody's"}
    aliases = [alias for one in DATA_SETS.values() for alias in one.aliases]
    assert len({*aliases, *DATA_SETS}) == len(aliases) + len(DATA_SETS)


def test_every_set_but_the_persons_own_has_terms() -> None:
    assert DATA_SETS.keys() - terms_of(DATA_SETS).keys() == {"folder", "parquet"}


def test_the_documentation_lists_every_data_set_with_its_page() -> None:
    text = (ROOT / "docs/data-sets.md").read_text(encoding="utf-8")
    for name, one in DATA_SETS.items():
        assert re.search(rf"^\| .*{re.escape(one.url)}.*`{name}`", text, re.MULTILINE), name


@pytest.mark.parametrize("name", ["lfw", "all-age-faces", "scut-fbp5500"])
def test_sets_that_come_as_a_table_are_read_under_their_own_name(name: str, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("file,age,gender,source\na.jpg,31,female,elsewhere\n")
    report = DATA_SETS[name].read(tmp_path / "t.csv", tmp_path / "m.csv", columns={"image": "file"})
    (sample,) = report.samples
    assert (sample.source, sample.age, sample.gender) == (name, 31, "female")
