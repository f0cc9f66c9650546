"""The demo in a real browser and through Gradio's API, reading real photos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest
from PIL import Image

import agelens
from agelens.apps.demo.cards import face_cards
from agelens.apps.demo.page import build, launch
from agelens.inference.annotate import colours_of
from browser import Browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        page = launch(detector="haar", block=False)
        yield page.local_url
        page.close()


def test_a_photo_is_answered_in_the_browser_without_another_host(
    address: str, browser: Browser, astronaut: Path, tmp_path: Path
) -> None:
    page = browser.open(address)
    page.set_input_files("#photo input[type=file]", astronaut)
    page.wait_for_selector(".agelens-card")
    (face,) = agelens.load("embedded", "haar").predict(astronaut)
    assert f"{face.age:.0f} years, {face.gender}" in page.inner_text("#cards")
    page.wait_for_selector("#faces img")
    drawn = page.eval_on_selector("#faces img", "image => [image.naturalWidth, image.complete]")
    assert drawn == [512, True]
    assert page.locator("#whole").is_hidden()
    hosts = {urlparse(url).netloc for url in browser.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlparse(address).netloc}
    page.screenshot(path=tmp_path / "demo.png", full_page=True)
    assert (tmp_path / "demo.png").stat().st_size > 50_000


def test_a_picture_without_a_face_says_so_and_offers_to_be_read_whole(
    address: str, browser: Browser, tmp_path: Path
) -> None:
    Image.fromarray(np.full((300, 300, 3), 128, np.uint8)).save(tmp_path / "grey.png")
    page = browser.open(address)
    page.set_input_files("#photo input[type=file]", tmp_path / "grey.png")
    page.wait_for_selector("text=No face was found")
    assert page.locator(".agelens-card").count() == 0
    page.locator("#whole").click()
    page.wait_for_selector(".agelens-card")
    assert page.locator(".agelens-card").count() == 1


def test_what_is_no_photo_is_a_sentence(
    address: str, browser: Browser, astronaut: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.jpg").write_bytes(astronaut.read_bytes()[:20_000])
    page = browser.open(address)
    page.set_input_files("#photo input[type=file]", tmp_path / "cut.jpg")
    page.wait_for_selector("text=This photo cannot be read")
    assert str(tmp_path) not in page.inner_text("body")


def test_a_phone_shows_the_page_without_scrolling_sideways(
    address: str, browser: Browser, astronaut: Path
) -> None:
    page = browser.open(address, width=390, height=844)
    page.set_input_files("#photo input[type=file]", astronaut)
    page.wait_for_selector(".agelens-card")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    card = page.locator(".agelens-card").bounding_box()
    assert card is not None
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= 390


def test_the_measured_errors_are_the_bundles(address: str, browser: Browser) -> None:
    page = browser.open(address)
    page.click("text=How good is it?")
    page.wait_for_selector("#errors td")
    for name in agelens.load("embedded", "haar").bundle.spec.metrics:
        assert name in page.inner_text("#errors")


def test_several_faces_are_listed(address: str, browser: Browser, photos: Path) -> None:
    page = browser.open(address)
    page.set_input_files("#photo input[type=file]", photos / "couple.jpg")
    page.wait_for_selector("text=2 faces")
    assert page.locator(".agelens-card").count() == 2
    assert "Face 2" in page.inner_text("#cards")


def test_the_same_answer_comes_through_gradios_api(address: str, astronaut: Path) -> None:
    from gradio_client import Client, handle_file

    client = Client(address, verbose=False)
    _, message, _, faces = client.predict(handle_file(str(astronaut)), api_name="/predict")
    assert message == "One face."
    (face,) = agelens.load("embedded", "haar").predict(astronaut)
    assert faces == [face.to_dict()]


def test_cards_tell_age_interval_and_gender(astronaut: Path) -> None:
    faces = agelens.load("embedded", "haar").predict(astronaut)
    html = face_cards(faces * 2)
    low, high = faces[0].age_interval
    assert "Face 2:" in html
    assert f"90% interval {low:.0f} – {high:.0f} years" in html
    assert html.count("<svg") == 2
    assert "Face 1" not in face_cards(faces)


def test_a_card_has_the_number_and_the_colour_of_its_face_in_the_picture(astronaut: Path) -> None:
    (face,) = agelens.load("embedded", "haar").predict(astronaut)
    doubtful = replace(face, gender_probability=0.6)
    html = face_cards([face, doubtful])
    for number, one in enumerate((face, doubtful), start=1):
        assert f'style="background: {colours_of(one)[0]}; color: {colours_of(one)[1]}">Face {number}:' in html
    assert f"{doubtful.gender}?</h2>" in html
    assert f"gender doubtful: {doubtful.gender} with probability 60%" in html
    assert "&gt;99%" in face_cards([replace(face, gender_probability=0.999)])


def test_without_gradio_one_sentence_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(agelens.AgeLensError, match=r"pip install 'agelens\[demo\]'"):
        build(agelens.load("embedded", "haar"))


def test_a_card_shows_a_dash_for_what_the_model_has_not_learnt(astronaut: Path) -> None:
    (face,) = agelens.load("embedded", "haar").predict(astronaut)
    genderless = face_cards([face.without(["gender"])])
    assert f"<h2>{face.age:.0f} years, –</h2>" in genderless
    assert "gender –" in genderless
    assert "<svg" in genderless
    ageless = face_cards([face.without(["age"])])
    assert f"<h2>–, {face.gender}</h2>" in ageless
    assert "<svg" not in ageless
