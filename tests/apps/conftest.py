"""A competition folder made from UTKFace, with the gender coded either way round."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.data.readers.utkface import read_utkface
from browser import Browser, chromium

MakeFolder = Callable[..., Path]


@pytest.fixture(scope="session")
def some_faces(tmp_path_factory: pytest.TempPathFactory, shared_utkface: Path) -> dict[str, Manifest]:
    """Faces of ``train`` and of ``test``: some hundred real chips each."""
    parts = {}
    for split, archive in (("train", "train-0.tar"), ("test", "test.tar")):
        folder = tmp_path_factory.mktemp(split)
        with tarfile.open(shared_utkface / archive) as tar:
            for member in tar.getmembers()[::12]:
                (folder / member.name).write_bytes(tar.extractfile(member).read())
        write_manifest(folder / "m.csv", read_utkface(folder, folder / "m.csv").samples)
        parts[split] = read_manifest(folder / "m.csv")
    return parts


@pytest.fixture
def competition(some_faces: dict[str, Manifest], tmp_path: Path) -> MakeFolder:
    """Writes ``face_dataset/`` as Kaggle has it; males are coded as told, the sample's columns ordered so."""

    def make(
        male: str = "0", columns: tuple[str, ...] = ("id", "age", "gender"), sample: bool = True
    ) -> Path:
        folder = tmp_path / "face_dataset"
        code = {"male": male, "female": "1" if male == "0" else "0"}
        tables = {}
        for split, manifest in some_faces.items():
            (folder / split).mkdir(parents=True)
            rows = []
            for number, face in enumerate(manifest.samples):
                name = f"{split}/{number:05d}.jpg"
                (folder / name).write_bytes(manifest.path(face).read_bytes())
                age, gender = f"{face.age:g}", code[str(face.gender)]
                rows.append({"id": str(number), "full_path": name, "age": age, "gender": gender})
            tables[split] = rows
        write(folder / "train.csv", ("id", "full_path", "age", "gender"), tables["train"])
        write(folder / "test.csv", ("id", "full_path"), tables["test"])
        write(tmp_path / "solution.csv", ("id", "age", "gender"), tables["test"])
        if sample:
            blank = [{"id": row["id"], "age": "0", "gender": "0"} for row in reversed(tables["test"])]
            write(folder / "sample_submission.csv", columns, blank)
        return folder

    return make


def write(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; skipped where there is none."""
    if chromium() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = Browser(playwright)
        yield opened
        opened.close()
