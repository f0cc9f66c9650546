"""The documentation as a site: built strictly and without a network, whole, and asking nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from bs4 import BeautifulSoup, Tag
from markdown_it import MarkdownIt
from mdit_py_plugins.front_matter import front_matter_plugin
from playwright.sync_api import sync_playwright

import agelens
from agelens.cli.main import app
from browser import QUIET, chromium

ROOT = Path(__file__).parents[1]

#: Pages that are written in the repository, with the page of the site that shows each.
WRITTEN = {
    **{path: f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")},
    ROOT / "README.md": "index.html",
    ROOT / "CHANGELOG.md": "changelog.html",
    ROOT / "CONTRIBUTING.md": "contributing.html",
    ROOT / "SECURITY.md": "security.html",
    ROOT / "web" / "README.md": "web.html",
    ROOT / "models" / "efficientnet-b4" / "README.md": "models/efficientnet-b4.html",
}

#: An address where nobody listens.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `mkdocs build --strict` does, with every way to the network closed."""
    folder = tmp_path_factory.mktemp("site")
    closed = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOBODY)
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        check=False, cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, **closed, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@cache
def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def article(path: Path) -> Tag:
    """What a page says, without the navigation around it."""
    found = page(path).find("article")
    assert isinstance(found, Tag)
    return found


@pytest.mark.parametrize("written", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_shows_what_github_shows(site: Path, written: Path) -> None:
    """Python-Markdown, which builds the site, is stricter about lists: some would be shown as prose."""
    github = MarkdownIt("gfm-like").use(front_matter_plugin)
    kinds = ["h1", "h2", "h3", "h4", "li", "pre", "td", "th"]
    text = written.read_text(encoding="utf-8")
    expected = Counter(tag.name for tag in BeautifulSoup(github.render(text), "html.parser").find_all(kinds))
    expected["pre"] -= text.count("```mermaid")  # shown as pictures
    assert Counter(tag.name for tag in article(site / WRITTEN[written]).find_all(kinds)) == +expected


def test_every_page_stands_in_the_navigation(site: Path) -> None:
    home = page(site / "index.html")
    linked = {str(link["href"]).partition("#")[0] for link in home.select("nav a[href]")}
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")} - {"404.html"}
    assert pages - {"index.html"} <= linked


def commands(command: typer.core.TyperGroup, name: str) -> Iterator[str]:
    for word, below in command.commands.items():
        yield f"{name} {word}"
        if isinstance(below, typer.core.TyperGroup):
            yield from commands(below, f"{name} {word}")


def test_the_reference_has_every_command(site: Path) -> None:
    headings = {one.get_text().rstrip("¶") for one in article(site / "commands.html").find_all(["h2", "h3"])}
    assert set(commands(typer.main.get_group(app), "agelens")) == headings


def test_the_reference_has_every_public_name(site: Path) -> None:
    reference = [page(path) for path in (site / "api").glob("*.html")]
    described = {str(tag["id"]) for one in reference for tag in one.select("[id]")}
    public = {f"agelens.{name}" for name in agelens.__all__ if name not in ("__version__", "load")}
    assert public - described == set(), "a page in docs/api lacks '::: NAME'"
    assert "agelens.load" in article(site / "api" / "reading.html").get_text()  # the same as Predictor


def test_no_page_asks_another_host(site: Path) -> None:
    askers = "script[src], img[src], iframe[src], link[rel=stylesheet], link[rel=preconnect]"
    tags = [tag for path in site.rglob("*.html") for tag in page(path).select(askers)]
    assert len(tags) > 100
    assert {str(tag) for tag in tags if "//" in str(tag.get("src") or tag.get("href"))} == set()


def test_what_a_page_links_to_is_there(site: Path) -> None:
    for path in site.rglob("*.html"):
        found = {str(link["href"]).partition("#")[0] for link in page(path).select("article a[href]")}
        missing = [one for one in found if ":" not in one and not (path.parent / one).exists()]
        assert missing == [], path
    script = "benchmarks/reproduce.sh"
    assert (site / "files" / script).read_text() == (ROOT / script).read_text()
    assert 'href="web.html"' in (site / "production.html").read_text()


@pytest.mark.slow
def test_on_a_phone_it_fits_and_asks_nobody(site: Path) -> None:
    if chromium() is None:
        pytest.skip("the pages are looked at in Chromium: apt-get install chromium")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for scheme in ("light", "dark"):
            opened = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
            opened.on("request", lambda request: asked.append(request.url))
            for name in ("index", "results", "api/reading", "architecture"):
                opened.goto(f"file://{site}/{name}.html")
                assert opened.evaluate("document.documentElement.scrollWidth") <= 390, name
            assert opened.locator(f"img[src*='-{scheme}.svg']").is_visible()
        browser.close()
    assert [address for address in asked if not address.startswith(f"file://{site}/")] == []
