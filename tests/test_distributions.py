"""What would be uploaded to PyPI: the sdist, the wheel that is built out of it, and their page there."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import readme_renderer.markdown
from bs4 import BeautifulSoup
from packaging.requirements import Requirement

import agelens

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``python -m build`` fills."""
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    (path,) = dist.glob("*.whl")
    return zipfile.ZipFile(path)


def test_twine_has_nothing_to_say(dist: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, dist.iterdir())],
        check=False, capture_output=True, text=True, env={"NO_COLOR": "1"},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("PASSED") == 2


def test_the_wheel_holds_what_the_package_needs(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    needed = {
        path.relative_to(source).as_posix()
        for path in (source / "agelens").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert needed <= set(wheel.namelist())
    assert {"agelens/py.typed", "agelens/assets/embedded/model.onnx"} <= needed


def test_the_sdist_holds_what_it_is_tested_and_documented_by(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"CITATION.cff", "CONTRIBUTING.md", "SECURITY.md", "mkdocs.yml", "docs/hooks/pages.py"} <= names
    assert path.stat().st_size < 20e6  # PyPI takes 100 MB; the large model is no part of it


def test_the_metadata_say_what_the_project_says(wheel: zipfile.ZipFile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = BytesParser().parsebytes(wheel.read(name))
    assert metadata["Version"] == agelens.__version__
    assert metadata["License-Expression"] == "MIT"
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    required = [Requirement(one) for one in metadata.get_all("Requires-Dist", [])]
    base = {one.name for one in required if not (one.marker and "extra" in str(one.marker))}
    assert base == {Requirement(one).name for one in project["dependencies"]}


def test_the_page_on_pypi_renders_and_has_no_link_that_leads_nowhere(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = BytesParser().parsebytes(wheel.read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    rendered = readme_renderer.markdown.render(metadata.get_payload(decode=True).decode())
    assert rendered is not None
    page = BeautifulSoup(rendered, "html.parser")
    assert len(page.select("table")) >= 5
    addresses = [str(tag.get("href") or tag.get("src")) for tag in page.select("a[href], img[src]")]
    assert [one for one in addresses if urlsplit(one).scheme != "https" and one[0] != "#"] == []
    assert "docs/train-your-own.md" in page.get_text()  # named where it cannot be linked


def test_where_the_repository_has_an_address_the_links_lead_there() -> None:
    code = runpy.run_path(str(ROOT / "hatch_build.py"))
    text = "![A\nface](docs/a.jpg) [Results](docs/results.md#speed) [b](https://b.org) [c](#c)"
    home = "https://example.org/me/agelens"
    assert code["led"](text, home) == (
        f"![A\nface]({home}/raw/main/docs/a.jpg) [Results]({home}/blob/main/docs/results.md#speed)"
        " [b](https://b.org) [c](#c)"
    )
    assert code["led"](text, None).startswith(
        "*(Picture: A\nface)* Results (`docs/results.md#speed`) [b](https"
    )
