"""Drawn faces with an age and a gender: stand-ins for photos, which nobody's repository should hold.

Hair turns grey with age, lines appear, the face of a child is rounder; long hair and red lips stand for
female. A network learns these drawings in a minute or two. It learns nothing about people.
"""

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64  # pixels


def draw_face(age: float, gender: str, rng: np.random.Generator, light: float = 1.0) -> Image.Image:
    """A face of this age, in years, and gender, ``male`` or ``female``; ``light`` dims or brightens it."""
    picture = Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(150, 180, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    grey = min(1.0, age / 80)
    hair = tuple(int(40 + 180 * grey + rng.normal(0, 6)) for _ in range(3))
    skin = tuple(int(tone + rng.normal(0, 8)) for tone in (224, 178, 146))
    x, y = SIDE / 2 + rng.normal(0, 1.5, 2)
    wide, high = 17 + 4 * max(0, 1 - age / 20), 21.0
    if gender == "female":
        pen.ellipse((x - wide - 7, y - high - 6, x + wide + 7, y + high + 16), fill=hair)
    else:
        pen.ellipse((x - wide - 2, y - high - 5, x + wide + 2, y + 6), fill=hair)
    pen.ellipse((x - wide, y - high + 2, x + wide, y + high), fill=skin)
    for side in (-1, 1):
        eye = x + side * wide * 0.45
        pen.ellipse((eye - 3, y - 4, eye + 3, y + 1), fill="white")
        pen.ellipse((eye - 1.5, y - 3, eye + 1.5, y), fill=(60, 40, 30))
    lips = (210, 30, 70) if gender == "female" else (150, 100, 80)
    pen.chord((x - 7, y + 4, x + 7, y + 14), 10, 170, fill=lips)
    shade = tuple(int(tone * (1 - 0.4 * grey)) for tone in skin)
    for line in range(int(age // 20)):  # of the forehead, one for every twenty years
        pen.line((x - 9, y - 9 - 3 * line, x + 9, y - 9 - 3 * line), fill=shade)
    noise = rng.normal(0, 8, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(np.asarray(picture) * light + noise, 0, 255).astype(np.uint8))


def write_faces(folder: Path, count: int, seed: int = 0) -> Path:
    """Draw faces of ages 0 to 90 into a folder, half of them in dim light, and a CSV of what they are."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "faces.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "age", "gender", "group"])
        for number in range(count):
            age, gender = int(rng.integers(0, 91)), ("male", "female")[number % 2]
            group, light = (("bright", 1.0), ("dim", 0.5))[number // 2 % 2]
            draw_face(age, gender, rng, light).save(folder / f"{number:04d}.png")
            table.writerow([f"{number:04d}.png", age, gender, group])
    return folder / "faces.csv"
