"""The page in ``web/``, built and opened in Chromium: it answers as Python does and asks for nothing else."""

from __future__ import annotations

import base64
import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Page, Route, expect, sync_playwright

import agelens
from agelens.data.manifest import Manifest
from agelens.faces.boxes import iou
from agelens.faces.detection.yunet import YuNet
from agelens.figures import FIGURES, certainty
from agelens.inference.placement import place_labels
from agelens.inference.predictor import Predictor
from browser import QUIET, chromium

WEB = Path(__file__).parents[1] / "web"

pytestmark = pytest.mark.slow

READ = """async ([bytes, how]) => {
  const blob = await (await fetch(`data:image/jpeg;base64,${bytes}`)).blob();
  const answer = await window.agelens[how](blob);
  return JSON.parse(JSON.stringify(answer));
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, yunet: Path, astronaut: Path) -> Iterator[str]:
    if chromium() is None or shutil.which("npm") is None:
        pytest.skip("the page needs Chromium and npm: apt-get install chromium npm")
    folder = tmp_path_factory.mktemp("web")
    shutil.copytree(
        WEB, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "dist", "public")
    )
    bundle = agelens.load("embedded", "whole").bundle.folder
    own = {"AGELENS_BUNDLE": bundle, "AGELENS_YUNET": yunet, "AGELENS_EXAMPLE": astronaut}
    environment = os.environ | {name: str(path) for name, path in own.items()}
    installed = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], check=False, cwd=folder, capture_output=True, text=True
    )
    if installed.returncode != 0:
        pytest.skip(f"npm's registry cannot be reached: {installed.stderr[-200:]}")
    built = subprocess.run(
        ["npm", "run", "build"], check=False, cwd=folder, capture_output=True, text=True, env=environment
    )
    assert built.returncode == 0, built.stdout + built.stderr
    handler = functools.partial(Quiet, directory=str(folder / "dist"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def opened(address: str) -> Iterator[tuple[Page, list[str]]]:
    with sync_playwright() as playwright:
        options = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET + options)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(60_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        says(page, "Ready.")
        yield page, asked
        browser.close()


def says(page: Page, text: str) -> None:
    expect(page.locator("#status")).to_contain_text(text, timeout=60_000)


def read(page: Page, image: Path, how: str) -> object:
    return page.evaluate(READ, [base64.b64encode(image.read_bytes()).decode(), how])


def test_offline_on_the_same_chips_it_answers_as_python_does(
    opened: tuple[Page, list[str]], utkface_val: Manifest
) -> None:
    page, _ = opened
    chips = [utkface_val.path(sample) for sample in utkface_val.samples[::38]]
    predictor = agelens.load("embedded", "whole")
    page.context.set_offline(True)
    try:
        for chip in chips:
            theirs = read(page, chip, "readChip")
            (ours,) = predictor.predict(chip)
            assert theirs["age"] == pytest.approx(ours.age, abs=0.2), chip
            assert theirs["interval"] == pytest.approx(list(ours.age_interval), abs=0.3)
            assert theirs["gender"] == str(ours.gender)
            assert theirs["genderProbability"] == pytest.approx(ours.gender_probability, abs=0.01)
            assert theirs["quality"] == pytest.approx(ours.quality, abs=0.03)
    finally:
        page.context.set_offline(False)


@pytest.fixture(scope="module")
def predictor(yunet: Path) -> Predictor:
    return agelens.load("embedded", YuNet(yunet))


def assert_same_faces(page: Page, predictor: Predictor, image: Path, years: float = 1.5) -> None:
    """The page finds the faces that Python finds; their boxes differ by no more than 2 % of the side."""
    theirs, ours = read(page, image, "read"), predictor.predict(image)
    assert len(theirs) == len(ours), image
    for face in ours:
        side = face.box[2] - face.box[0]
        other = max(theirs, key=lambda one: iou(tuple(one["box"]), face.box))
        assert other["box"] == pytest.approx(list(face.box), abs=max(2, 0.02 * side)), image
        assert other["turn"] == face.turn
        assert other["detection"] == pytest.approx(face.detection, abs=0.02)
        assert other["gender"] == str(face.gender)
        assert other["age"] == pytest.approx(face.age, abs=years), image


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_faces_are_found_and_aligned_as_in_python(
    opened: tuple[Page, list[str]], predictor: Predictor, astronaut: Path, tmp_path: Path, turn: int
) -> None:
    page, _ = opened
    path = astronaut
    if turn:
        path = tmp_path / "turned.jpg"
        with Image.open(astronaut) as image:
            image.rotate(-turn, expand=True).save(path, quality=95)
    (theirs,) = read(page, path, "read")
    (ours,) = predictor.predict(path)
    assert theirs["turn"] == ours.turn == turn
    assert theirs["box"] == pytest.approx(list(ours.box), abs=1)
    assert theirs["detection"] == pytest.approx(ours.detection, abs=0.01)
    assert theirs["age"] == pytest.approx(ours.age, abs=0.5)
    assert theirs["quality"] == pytest.approx(ours.quality, abs=0.05)


@pytest.mark.parametrize(
    ("width", "face"),
    [
        (1600, 40),
        pytest.param(4000, 60, id="searched again"),
        pytest.param(3600, 220, id="cut out of the original"),
    ],
)
def test_a_small_face_is_found_as_in_python(
    opened: tuple[Page, list[str]],
    predictor: Predictor,
    astronaut: Path,
    tmp_path: Path,
    width: int,
    face: int,
) -> None:
    (found,) = predictor.predict(astronaut)
    with Image.open(astronaut) as image:
        scale = face / (found.box[2] - found.box[0])
        small = ImageOps.scale(image, scale, Image.Resampling.LANCZOS)
    wide = Image.new("RGB", (width, 5 * width // 8), (120, 130, 140))
    wide.paste(small, (width // 2, width // 8))
    wide.save(tmp_path / "small.jpg", quality=95)
    assert len(predictor.predict(tmp_path / "small.jpg")) == 1
    # Searched again on a reduced copy: a pixel that landmarks move by there moves so small a face by years.
    assert_same_faces(opened[0], predictor, tmp_path / "small.jpg", years=4 if face == 60 else 1.5)


def test_a_face_that_fills_the_picture_is_found_as_in_python(
    opened: tuple[Page, list[str]], predictor: Predictor, astronaut: Path, tmp_path: Path
) -> None:
    (face,) = predictor.predict(astronaut)
    x0, y0, x1, y1 = face.box
    rim = 0.1 * (x1 - x0)
    scale = 1800 / (x1 - x0)
    with Image.open(astronaut) as image:
        close = image.crop((round(x0 - rim), round(y0 - rim), round(x1 + rim), round(y1 + rim)))
    ImageOps.scale(close, scale, Image.Resampling.BICUBIC).save(tmp_path / "large.jpg", quality=95)
    assert len(predictor.predict(tmp_path / "large.jpg")) == 1
    assert_same_faces(opened[0], predictor, tmp_path / "large.jpg")


def test_in_photos_the_same_faces_are_found_as_in_python(
    opened: tuple[Page, list[str]], predictor: Predictor, photos: Path
) -> None:
    for photo in sorted(photos.glob("*.jpg")):
        assert_same_faces(opened[0], predictor, photo)


def test_a_chosen_photo_is_drawn_and_nothing_leaves_the_machine(
    opened: tuple[Page, list[str]], astronaut: Path, address: str
) -> None:
    page, asked = opened
    page.set_input_files("#file", astronaut)
    page.wait_for_selector("article.face")
    says(page, "One face")
    assert "90% interval" in page.inner_text("article.face")
    assert page.locator("article.face rect").count() == 101
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"no image"})
    says(page, "cannot be read")
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_the_camera_runs_and_stops(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.click("#camera")
    says(page, "frames a second")
    page.click("#stop")
    assert page.locator("#stop").is_hidden()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (2560, "light")])
def test_the_example_is_read_and_fits_every_screen(
    opened: tuple[Page, list[str]], width: int, scheme: str
) -> None:
    page, _ = opened
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.getElementById('faces').replaceChildren()")
    page.click("#example")
    page.wait_for_selector("article.face")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_faces_are_numbered_as_on_their_cards_and_the_errors_are_the_bundles(
    opened: tuple[Page, list[str]], predictor: Predictor, astronaut: Path, tmp_path: Path
) -> None:
    page, _ = opened
    with Image.open(astronaut) as image:
        pair = Image.new("RGB", (1024, 512))
        pair.paste(image, (0, 0))
        pair.paste(image.rotate(10), (512, 0))
    pair.save(tmp_path / "pair.jpg", quality=95)
    page.set_input_files("#file", tmp_path / "pair.jpg")
    says(page, "2 faces")
    titles = page.locator("article.face h2").all_inner_texts()
    assert [title.partition(":")[0] for title in titles] == ["Face 1", "Face 2"]
    for title, face in zip(titles, predictor.predict(tmp_path / "pair.jpg"), strict=True):
        assert title.endswith(f"{face.gender}")
    table = page.inner_text("#errors")
    for name, measured in predictor.bundle.spec.metrics.items():
        assert name in table
        assert FIGURES["mae"].with_interval(measured.figures["mae"]) in table
        assert FIGURES["gender_accuracy"].with_interval(measured.figures["gender_accuracy"]) in table


def test_probabilities_and_places_are_as_in_python(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    for probability in (None, 0.0, 0.004, 0.5, 0.932, 0.994, 0.996, 1.0):
        assert page.evaluate("window.agelens.certainty", probability) == certainty(probability)
    rng = np.random.default_rng(0)
    for count in (1, 6, 30):
        corners = rng.uniform((-50, -50, 40), (1000, 900, 250), (count, 3))
        faces = [(x, y, x + side, y + side) for x, y, side in corners.tolist()]
        sizes = [[(150, 50), (80, 28), (30, 28)]] * count
        ours = place_labels(faces, sizes, (1000, 900))
        theirs = page.evaluate("(all) => window.agelens.placeLabels(...all)", [faces, sizes, [1000, 900]])
        for place, other in zip(ours, theirs, strict=True):
            assert other["wording"] == place.wording
            assert other["box"] == pytest.approx(list(place.box))


@pytest.mark.parametrize(("head", "dash"), [("age", "gender –"), ("gender", "90% interval –")])
def test_what_the_model_has_not_learnt_is_a_dash(
    opened: tuple[Page, list[str]], address: str, astronaut: Path, head: str, dash: str
) -> None:
    browser = opened[0].context.browser
    assert browser is not None
    page = browser.new_page()
    page.set_default_timeout(60_000)

    def one_head(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"heads": [head]})

    page.route("**/bundle.json", one_head)
    page.goto(address)
    says(page, "Ready.")
    (face,) = read(page, astronaut, "read")
    assert (face["age"] is None, face["gender"] is None) == (head == "gender", head == "age")
    page.click("#example")
    page.wait_for_selector("article.face")
    assert dash in page.inner_text("article.face")
    page.close()


def test_the_keyboard_goes_from_the_photo_to_the_example_to_the_camera(
    opened: tuple[Page, list[str]],
) -> None:
    page, _ = opened
    page.evaluate("document.activeElement.blur()")
    page.locator("#file").focus()
    reached = []
    for _ in range(3):
        reached.append(page.evaluate("document.activeElement.id"))
        page.keyboard.press("Tab")
    assert reached == ["file", "example", "camera"]
