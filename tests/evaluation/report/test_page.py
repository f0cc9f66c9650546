from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agelens.data.manifest import Manifest, write_manifest
from browser import QUIET, chromium

DARK = "rgb(20, 27, 34)"


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
    for heading in (
        "Headline",
        "Beside other models",
        "Gender",
        "Do the intervals hold?",
        "By group",
        "Age checks",
    ):
        assert f"<h2>{heading}</h2>" in html
    links = re.findall(r'(?:src|href)="([^"#]+)', html) + re.findall(r"url\(([^)#]+)", html)
    assert all(link.startswith("data:") for link in links)
    assert html.count("<img ") == 24
    assert "fewer than 50 faces" in html
    assert "<td>0.00</td>" in html  # the oracle's error


def test_it_shows_the_confusion_of_gender_and_the_roc_of_the_age_checks(page: Path) -> None:
    html = page.read_text()
    (confusion,) = re.findall(r'<table class="confusion">.*?</table>', html, re.DOTALL)
    counts = [int(count) for count in re.findall(r"<b>(\d+)</b>", confusion)]
    faces = [int(count) for count in re.findall(r"</th><td>(\d+)</td>", confusion)]
    assert [counts[0] + counts[1], counts[2] + counts[3]] == faces
    assert counts[0] > counts[1]
    assert counts[3] > counts[2]
    assert re.search(r">18 or older: area 0\.9\d\d<", html)
    assert re.search(r"<td>0\.9\d\d \[0\.\d{3}, \d\.\d{3}\]</td>", html)  # the area, with its interval


def test_groups_have_their_intervals_and_small_ones_stay_marked(page: Path) -> None:
    (html,) = re.findall(r"<h2>By group</h2>.*?</table>", page.read_text(), re.DOTALL)
    rows = re.findall(r'<tr><td class="words">age ([^<]*)</td><td>(\d+)</td><td>([^<]*)</td>', html)
    assert [name.endswith(" *") for name, _, _ in rows] == [int(images) < 50 for _, images, _ in rows]
    assert any(name.endswith(" *") for name, _, _ in rows)
    assert all("[" in mae for _, images, mae in rows if int(images) > 1)


def test_every_chart_is_named_for_who_does_not_see_it(page: Path) -> None:
    named = re.findall(r'<svg [^>]*role="img" aria-label="Chart: ([^"]+)"', page.read_text())
    assert len(named) == page.read_text().count("<svg ")
    assert len(set(named)) == len(named)


def test_it_opens_from_disk_in_a_browser_on_a_desk_and_a_phone(page: Path) -> None:
    from playwright.sync_api import sync_playwright

    if chromium() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for width, scheme in ((2560, "light"), (1280, "dark"), (390, "light")):
            opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            asked: list[str] = []
            opened.on("request", lambda request, asked=asked: asked.append(request.url))
            opened.goto(page.as_uri())
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
            assert opened.locator("svg").count() >= 5
            page_is_dark = opened.evaluate("getComputedStyle(document.body).backgroundColor") == DARK
            assert page_is_dark == (scheme == "dark")
            assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
        browser.close()


def test_a_comparison_needs_a_name_and_a_file() -> None:
    options = ["evaluate", "--manifest", "m.csv", "--compare", "predictions.csv"]
    done = subprocess.run(
        [sys.executable, "-m", "agelens", *options], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "name=predictions.csv" in done.stderr
