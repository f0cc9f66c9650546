from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agelens.data.manifest import Manifest, write_manifest
from browser import QUIET, chromium


@pytest.fixture(scope="module")
def page(utkface_val: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    samples = utkface_val.samples[::4]
    write_manifest(utkface_val.root / "quarter.csv", samples)
    lines = [f"{Path(s.image).name},{s.age},{s.gender}" for s in samples]
    (folder / "oracle.csv").write_text("file,age,gender\n" + "\n".join(lines) + "\n")
    options = ["--manifest", utkface_val.root / "quarter.csv", "--split", "val", "--report", folder]
    options += ["--compare", f"oracle={folder / 'oracle.csv'}", "--faces"]
    subprocess.run(
        [sys.executable, "-m", "agelens", "evaluate", *map(str, options)], check=True, capture_output=True
    )
    return folder / "index.html"


def test_the_page_holds_every_section_and_asks_for_nothing_elsewhere(page: Path) -> None:
    html = page.read_text()
    for heading in ("Headline", "Beside other models", "Do the intervals hold?", "By group", "Age checks"):
        assert f"<h2>{heading}</h2>" in html
    links = re.findall(r'(?:src|href)="([^"#]+)', html) + re.findall(r"url\(([^)#]+)", html)
    assert all(link.startswith("data:") for link in links)
    assert html.count("<img ") == 24
    assert "fewer than 50 faces" in html
    assert "<td>0.00</td>" in html  # the oracle's error


def test_it_opens_from_disk_in_a_browser_on_a_desk_and_a_phone(page: Path) -> None:
    from playwright.sync_api import sync_playwright

    if chromium() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for width in (1200, 390):
            opened = browser.new_page(viewport={"width": width, "height": 900})
            asked: list[str] = []
            opened.on("request", lambda request, asked=asked: asked.append(request.url))
            opened.goto(page.as_uri())
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
            assert opened.locator("svg").count() >= 5
            assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
        browser.close()


def test_a_comparison_needs_a_name_and_a_file() -> None:
    options = ["evaluate", "--manifest", "m.csv", "--compare", "predictions.csv"]
    done = subprocess.run(
        [sys.executable, "-m", "agelens", *options], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "name=predictions.csv" in done.stderr
