from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agelens.data.readers.imdb_wiki import read_imdb_wiki
from agelens.errors import ManifestError
from agelens.labels import Gender

scipy_io = pytest.importorskip("scipy.io")


def matlab_day(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal() + 366


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``wiki.mat`` as MATLAB writes it: a struct of row vectors and cell arrays."""
    files = ["01/a.jpg", "01/b.jpg", "01/c.jpg", "01/gone.jpg", "01/e.jpg", "01/f.jpg"]
    for name in files:
        if "gone" not in name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            Image.new("RGB", (8, 8)).save(tmp_path / name)
    table = {
        "dob": np.array(
            [matlab_day(1950, 3, 1)] * 4 + [matlab_day(2020, 1, 1), matlab_day(1960, 5, 5)], float
        ),
        "photo_taken": np.array([2000, 2000, 2000, 2000, 1999, 1960], float),
        "full_path": np.array(files, dtype=object),
        "gender": np.array([0, 1, 1, 1, 1, np.nan]),
        "name": np.array(["Ann", "Bob", "Cid", "Dan", "Eve", "Flo"], dtype=object),
        "face_score": np.array([4.2, 3.0, -np.inf, 2.0, 2.0, 1.5]),
        "second_face_score": np.array([np.nan, 2.1, np.nan, np.nan, np.nan, np.nan]),
    }
    scipy_io.savemat(tmp_path / "wiki.mat", {"wiki": table})
    return tmp_path


def test_the_clean_subset_is_read_with_a_year_of_doubt(folder: Path) -> None:
    report = read_imdb_wiki(folder, folder / "m.csv")
    ann, flo = report.samples
    assert (ann.image, ann.age, ann.age_low, ann.age_high) == ("01/a.jpg", None, 49, 50)
    assert (ann.gender, ann.subject, ann.source) == (Gender.FEMALE, "Ann", "imdb-wiki")
    assert (flo.age_low, flo.age_high, flo.gender) == (0, 0, None)
    assert report.passed_over == 2  # a second face; none
    assert [problem.where for problem in report.problems] == ["wiki.mat row 4", "wiki.mat row 5"]
    assert "no age of 0 to 100" in report.problems[1].message


def test_what_is_not_imdb_wiki_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"neither imdb\.mat nor wiki\.mat"):
        read_imdb_wiki(tmp_path, tmp_path / "m.csv")
    (tmp_path / "imdb.mat").write_bytes(b"nonsense" * 40)
    with pytest.raises(ManifestError, match="cannot be read as IMDB-WIKI"):
        read_imdb_wiki(tmp_path, tmp_path / "m.csv")
