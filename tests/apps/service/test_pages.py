"""The front page and ``/docs`` in a real browser that reaches no other host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlparse

import httpx
import pytest
from playwright.sync_api import Page, Route, sync_playwright

from browser import QUIET, chromium
from servers.service import Server


@pytest.fixture(scope="module")
def opened(server: Server) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    """Opens an address of the service at a width; gives what it asked of other hosts too, and complaints."""
    if chromium() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)

        def open_page(
            path: str, width: int = 1280, scheme: str = "light", base: str = server.url
        ) -> tuple[Page, list[str]]:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            faults: list[str] = []

            def own_alone(route: Route) -> None:
                if urlparse(route.request.url).netloc == urlparse(base).netloc:
                    route.continue_()
                else:
                    faults.append(route.request.url)
                    route.abort()

            page.route("**/*", own_alone)
            page.on("console", lambda message: faults.append(message.text))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(base + path)
            return page, faults

        yield open_page
        browser.close()


def test_docs_load_nothing_from_other_hosts(opened: Callable[..., tuple[Page, list[str]]]) -> None:
    page, faults = opened("/docs")
    page.wait_for_selector(".opblock-summary-path")
    assert "/v1/predict" in page.inner_text("#swagger-ui")
    page.click("text=/healthz")
    page.click("text=Try it out")
    page.click("text=Execute")
    page.wait_for_selector(".live-responses-table")
    assert '"status": "ok"' in page.inner_text(".live-responses-table")  # the policy lets it ask the service
    assert faults == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (2560, "light")])
def test_a_photo_is_tried_on_the_front_page(
    opened: Callable[..., tuple[Page, list[str]]], server: Server, astronaut: Path, width: int, scheme: str
) -> None:
    page, faults = opened("/", width, scheme)
    assert "4.43" in page.inner_text("main")  # the measured error
    assert page.locator("#key").is_hidden()
    page.set_input_files("#photo", astronaut)
    page.click("button")
    page.wait_for_selector("#faces td")
    (answer,) = httpx.post(f"{server.url}/v1/predict", files={"images": astronaut.read_bytes()}).json()
    (face,) = answer["faces"]
    number, age, interval, gender, sure, quality = page.locator("#faces td").all_inner_texts()
    assert (number, age, gender) == ("1", f"{face['age']:.1f}", face["gender"])
    assert interval == " – ".join(f"{years:.0f}" for years in face["age_interval"])
    assert sure == f"{face['gender_probability']:.0%}"
    assert quality == f"{face['quality']:.2f}"
    assert page.locator("#picture").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults == []


def test_what_is_no_photo_is_a_sentence_on_the_front_page(
    opened: Callable[..., tuple[Page, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("no image")
    page, _ = opened("/")
    page.set_input_files("#photo", tmp_path / "a.txt")
    page.click("button")
    page.wait_for_selector("text=Not answered: a.txt: is not an image")


def test_where_keys_are_asked_for_the_front_page_asks_too_and_keeps_the_model_to_itself(
    opened: Callable[..., tuple[Page, list[str]]], serving: Callable[..., Server], astronaut: Path
) -> None:
    page, _ = opened("/", base=serving(keys="secret").url)
    assert "The model" not in page.inner_text("main")
    page.set_input_files("#photo", astronaut)
    page.click("button")
    page.wait_for_selector("text=Not answered: show a key")
    page.get_by_label("Key").fill("secret")
    page.click("button")
    page.wait_for_selector("#faces td")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_pages_policy_allows_their_own_files_alone(server: Server, path: str) -> None:
    response = httpx.get(server.url + path)
    assert response.status_code == httpx.head(server.url + path).status_code == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "http" not in policy
    addresses = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    files = [one for one in addresses if one.startswith("static/")]
    assert len(files) == 2
    for file in files:
        assert httpx.get(f"{server.url}/{file}").status_code == 200
    assert not [one for one in addresses if "//" in one]


def test_what_is_no_file_of_the_pages_is_a_problem(server: Server) -> None:
    for path in ("/static/", "/static/nothing.js", "/static/../app.py", "/redoc"):
        response = httpx.get(server.url + path)
        assert response.status_code == 404, path
        assert response.json()["detail"] == "there is nothing at this address"
