from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from agelens.inference.annotate import COLOURS, REFUSED, annotate, label
from agelens.inference.answers import Face
from agelens.labels import Gender


def face(box: tuple[float, float, float, float], gender: Gender = Gender.FEMALE) -> Face:
    return Face(box, 0.9, 31.4, (24.2, 39.5), 0.9, gender, 0.976, np.full(101, 1 / 101, np.float32))


def test_a_label_says_age_interval_and_gender() -> None:
    assert label(face((0, 0, 10, 10))) == "31 y (24-40)\nfemale 98%"


def test_a_dash_stands_for_what_is_not_answered() -> None:
    answered = face((0, 0, 10, 10))
    assert label(answered.without(["gender"])) == "31 y (24-40)\n-"
    assert label(answered.without(["age"])) == "-\nfemale 98%"
    drawn = np.asarray(annotate(np.zeros((600, 600, 3), np.uint8), [answered.without(["gender"])]))
    assert (drawn == (0, 158, 115)).all(axis=2).any()  # neither the colour of men nor that of women


@pytest.mark.parametrize("side", [200, 4000])
def test_a_label_is_drawn_legibly_on_small_and_large_pictures(side: int) -> None:
    blank = np.full((side, side, 3), 128, np.uint8)
    drawn = annotate(blank, [face((side * 0.4, side * 0.4, side * 0.6, side * 0.6))])
    assert drawn.width >= 480
    changed = np.abs(np.asarray(drawn).astype(int) - 128).max(axis=2) > 20
    rows = np.flatnonzero(changed.any(axis=1))
    above = changed[: int(drawn.height * 0.4) - 4]
    label_rows = np.flatnonzero(above.any(axis=1))
    assert len(label_rows) >= 2 * 13  # two lines of at least 13 pixels
    assert rows[-1] == pytest.approx(drawn.height * 0.6, abs=drawn.height / 100)


@pytest.mark.parametrize("box", [(-20, -20, 60, 60), (150, 150, 230, 230), (0, 0, 200, 200)])
def test_labels_stay_in_the_picture(box: tuple[float, float, float, float]) -> None:
    drawn = np.asarray(annotate(np.zeros((600, 600, 3), np.uint8), [face(tuple(3 * v for v in box))]))  # type: ignore[arg-type]
    orange = (drawn == (230, 159, 0)).all(axis=2)
    assert orange.sum() > 1000


def test_labels_of_neighbours_do_not_cover_each_other() -> None:
    faces = [face((100, 300, 300, 500)), face((200, 310, 400, 510), Gender.MALE)]
    drawn = np.asarray(annotate(np.zeros((800, 800, 3), np.uint8), faces))
    alone = [np.asarray(annotate(np.zeros((800, 800, 3), np.uint8), [one])) for one in faces]
    for colour, single in zip([(230, 159, 0), (0, 114, 178)], alone, strict=True):
        seen = (drawn == colour).all(axis=2).sum()
        assert seen > 0.9 * (single == colour).all(axis=2).sum()


def test_a_refused_face_is_drawn_without_its_answers() -> None:
    one = replace(face((100, 300, 300, 500)), quality=0.2, refused="quality 0.20 is below 0.3")
    blank = np.zeros((800, 800, 3), np.uint8)
    refused = np.asarray(annotate(blank, [one]))
    assert (refused == (90, 96, 104)).all(axis=2).sum() > 1000
    assert not (refused == (230, 159, 0)).all(axis=2).any()  # nor is the gender's colour told
    other = replace(one, age=77.0, gender=Gender.MALE)
    assert (refused == np.asarray(annotate(blank, [other]))).all()


def test_a_doubtful_gender_is_drawn_as_doubtful() -> None:
    sure = face((100, 300, 300, 500))
    doubtful = replace(sure, gender_probability=0.6)
    assert label(doubtful) == "31 y (24-40)\nfemale? 60%"
    blank = np.zeros((800, 800, 3), np.uint8)
    drawn = np.asarray(annotate(blank, [doubtful]))
    assert not (drawn == (230, 159, 0)).all(axis=2).any()  # not in the colour of women
    edge = (drawn[320:480, 100] == (0, 158, 115)).all(axis=1)
    assert 0.3 < edge.mean() < 0.8  # dashed
    assert (np.asarray(annotate(blank, [sure]))[320:480, 100] == (230, 159, 0)).all()


def test_several_faces_are_numbered_and_a_single_one_is_not() -> None:
    blank = np.zeros((800, 800, 3), np.uint8)
    one = face((300, 300, 400, 420))
    alone, numbered = annotate(blank, [one]), annotate(blank, [one], numbers=[1])
    assert np.asarray(alone).tobytes() != np.asarray(numbered).tobytes()
    other = face((600, 600, 700, 720))
    counted, named = annotate(blank, [one, other]), annotate(blank, [one, other], numbers=[1, 2])
    assert np.asarray(counted).tobytes() == np.asarray(named).tobytes()


def test_texts_stand_out_from_their_labels() -> None:
    def luminance(colour: str) -> float:
        channels = np.array(ImageColor.getrgb(colour)) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for pair in (*COLOURS.values(), REFUSED):
        darker, lighter = sorted(map(luminance, pair))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, pair


def test_the_original_is_left_alone(astronaut: Path) -> None:
    before = astronaut.read_bytes()
    drawn = annotate(astronaut, [face((178, 63, 267, 180))])
    assert isinstance(drawn, Image.Image)
    assert drawn.size == (512, 512)
    assert astronaut.read_bytes() == before
