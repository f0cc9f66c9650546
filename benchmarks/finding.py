"""Faces found in made pictures: of 16 to 2,000 pixels, at four turns, 1 to 100 at once; and false ones.

    python benchmarks/finding.py FACES [--against CHECKOUT] [--each 4] [--seed 0]

FACES is a folder of loose photos with one face each, such as ``work/lfw-images``, where ``agelens data
import lfw … --output work/lfw.csv`` puts them; a face is used if OpenCV's own YuNet sees it, and nothing
else, in its photo. Each picture is a plain or textured ground on which such photos lie, scaled so that all
faces have one size. ``--against`` measures another checkout of AgeLens with the same pictures. A face
counts as found if a box shares more than a third with it; a box that shares so much with no face is false.
The time is that of the whole path, from the JPEG's bytes to the answer.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

ROOT = Path(__file__).parent.parent
YUNET = Path(os.environ.get("AGELENS_YUNET", ROOT / "tests/assets/face_detection_yunet_2026may.onnx"))

#: The size of the faces, pixels; the picture's width and height; how many faces it holds.
KINDS = (
    (16, (640, 480), 20),
    (20, (640, 480), 20),
    (24, (640, 480), 1),
    (24, (640, 480), 20),
    (24, (800, 800), 100),
    (32, (640, 480), 10),
    (32, (1280, 960), 40),
    (48, (640, 480), 6),
    (48, (1600, 1200), 60),
    (64, (1280, 960), 20),
    (60, (2400, 1600), 80),
    (96, (640, 480), 2),
    (128, (4000, 3000), 20),
    (256, (1280, 960), 1),
    (256, (4000, 3000), 6),
    (512, (1280, 960), 1),
    (1024, (4000, 3000), 1),
    (2000, (3000, 4000), 1),
    (2000, (2200, 2300), 1),
    (100, (12000, 1500), 12),
)
EMPTY = ((640, 480), (1280, 960), (4000, 3000))
GROUNDS = ("plain", "cloud", "stripes", "leaves")


class Known(NamedTuple):
    """A photo of one face, and the face's box in it."""

    pixels: Pixels
    box: NDArray[np.float64]


class Made(NamedTuple):
    """A picture that was made, as a JPEG, and the boxes of its faces: (n, 4) x0, y0, x1, y1."""

    kind: str
    turn: int
    jpeg: bytes
    boxes: list[list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--against", type=Path, help="another checkout, measured with the same pictures")
    parser.add_argument("--each", type=int, default=4, help="pictures of each kind and turn")
    parser.add_argument("--empty", type=int, default=40, help="pictures without a face, of each size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="kinds to make, by the size of their faces")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    known = list(known_faces(options.faces, 300, rng))
    with tempfile.TemporaryDirectory() as folder:
        for number, made in enumerate(pictures(known, options, rng)):
            Path(folder, f"{number:05d}.jpg").write_bytes(made.jpeg)
            about = {"kind": made.kind, "turn": made.turn, "boxes": made.boxes}
            Path(folder, f"{number:05d}.json").write_text(json.dumps(about))
        for checkout in [ROOT, *([options.against] if options.against else [])]:
            print(f"\n{checkout}")
            environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "AGELENS_YUNET": str(YUNET)}
            command = [sys.executable, "-c", ANSWER, folder]
            ran = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            show(folder, json.loads(ran.stdout.splitlines()[-1]))


#: What each checkout runs: its public interface alone, so that any commit can.
ANSWER = """
import json, sys, time
from pathlib import Path
import agelens
predictor = agelens.load("embedded", "yunet", threads=1)
answers = {}
for path in sorted(Path(sys.argv[1]).glob("*.jpg")):
    started = time.perf_counter()
    faces = predictor.predict(path)
    seconds = time.perf_counter() - started
    answers[path.stem] = {"seconds": seconds, "boxes": [[float(v) for v in face.box] for face in faces]}
print(json.dumps(answers))
"""


def known_faces(folder: Path, count: int, rng: np.random.Generator) -> Iterator[Known]:
    """Photos in which OpenCV's YuNet sees one face and not the shadow of another."""
    files = sorted(folder.iterdir())
    for place in rng.permutation(len(files)):
        pixels = np.asarray(Image.open(files[place]).convert("RGB"))
        height, width = pixels.shape[:2]
        finder = cv2.FaceDetectorYN.create(str(YUNET), "", (width, height), 0.2)
        _, rows = finder.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        if rows is not None and len(rows) == 1 and rows[0, 14] > 0.85:
            x, y, across, down = rows[0, :4]
            yield Known(pixels, np.array([x, y, x + across, y + down]))
            count -= 1
            if count == 0:
                return


def pictures(known: list[Known], options: argparse.Namespace, rng: np.random.Generator) -> Iterator[Made]:
    for size, shape, count in KINDS:
        if options.only and str(size) not in options.only:
            continue
        for turn in range(4):
            for number in range(options.each if shape != (12000, 1500) else 1):
                ground = GROUNDS[(number + turn) % len(GROUNDS)]
                canvas = made_ground(shape, ground, rng)
                boxes = collage(canvas, known, size, count, rng)
                kind = f"{count} of {size} px in {shape[0]} × {shape[1]}"
                yield Made(kind, turn, jpeg(np.rot90(canvas, -turn)), turned(boxes, shape, turn).tolist())
    for shape in EMPTY if not options.only else ():
        for number in range(options.empty):
            canvas = made_ground(shape, GROUNDS[number % len(GROUNDS)], rng)
            yield Made(f"none in {shape[0]} × {shape[1]}", 0, jpeg(canvas), [])


def collage(
    canvas: Pixels, known: list[Known], size: int, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Lay faces of a size in cells of a grid, with as much of their photos as fits: (count, 4) boxes."""
    height, width = canvas.shape[:2]
    columns = max(1, min(count, round(np.sqrt(count * width / height))))
    rows = int(np.ceil(count / columns))
    cell = width // columns, height // rows
    boxes = []
    for place in rng.permutation(columns * rows)[:count]:
        face = known[rng.integers(len(known))]
        x0, y0, x1, y1 = face.box
        scale = size / np.sqrt((x1 - x0) * (y1 - y0))
        photo = cv2.resize(
            face.pixels,
            None,
            fx=scale,
            fy=scale,
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
        )
        box = face.box * scale
        # The face's cell shows the part of the photo around it.
        shown = [min(photo.shape[1], cell[0]), min(photo.shape[0], cell[1])]
        left = int(np.clip((box[0] + box[2] - shown[0]) / 2, 0, photo.shape[1] - shown[0]))
        top = int(np.clip((box[1] + box[3] - shown[1]) / 2, 0, photo.shape[0] - shown[1]))
        x = place % columns * cell[0] + int(rng.integers(cell[0] - shown[0] + 1))
        y = place // columns * cell[1] + int(rng.integers(cell[1] - shown[1] + 1))
        canvas[y : y + shown[1], x : x + shown[0]] = photo[top : top + shown[1], left : left + shown[0]]
        boxes.append(box + np.array([x - left, y - top] * 2))
    return np.array(boxes)


def made_ground(shape: tuple[int, int], kind: str, rng: np.random.Generator) -> Pixels:
    width, height = shape
    colours = rng.integers(0, 256, (2, 3)).astype(np.float32)
    if kind == "plain":
        mix = np.zeros((height, width), np.float32)
    elif kind == "stripes":
        angle, period = rng.uniform(0, np.pi), rng.uniform(6, 80)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        mix = (np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period) > 0).astype(np.float32)
    else:
        mix = np.zeros((height, width), np.float32)
        for step in (4, 8, 16, 32, 64, 128):
            noise = rng.normal(size=(height // step + 2, width // step + 2)).astype(np.float32)
            flat = cv2.INTER_CUBIC if kind == "cloud" else cv2.INTER_NEAREST
            mix += step * cv2.resize(noise, (width, height), interpolation=flat)
        mix = (mix - mix.min()) / np.ptp(mix)
    return (colours[0] + mix[..., None] * (colours[1] - colours[0])).astype(np.uint8)


def turned(boxes: NDArray[np.float64], shape: tuple[int, int], turn: int) -> NDArray[np.float64]:
    """Boxes after as many quarter turns, clockwise."""
    width, height = shape
    for _ in range(turn):
        x0, y0, x1, y1 = boxes.T
        boxes = np.stack([height - y1, x0, height - y0, x1], axis=1)
        width, height = height, width
    return boxes


def jpeg(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=92)
    return file.getvalue()


def show(folder: str, answers: dict[str, Any]) -> None:
    """A line a kind: the recall at each turn, false boxes a hundred pictures, and the median time."""
    about = {name: json.loads(Path(folder, f"{name}.json").read_text()) for name in answers}
    print(f"{'faces':34}{'0°':>8}{'90°':>8}{'180°':>8}{'270°':>8}{'false/100':>11}{'ms at 0°':>10}")
    for kind in dict.fromkeys(one["kind"] for one in about.values()):
        recall: list[str] = []
        false = made = 0
        times: list[float] = []
        for turn in range(4):
            faces = found = 0
            for name, one in about.items():
                if one["kind"] != kind or one["turn"] != turn:
                    continue
                boxes = np.reshape(answers[name]["boxes"], (-1, 4))
                hits = overlaps(np.reshape(one["boxes"], (-1, 4)), boxes) > 1 / 3
                faces, found = faces + len(hits), found + int(hits.any(axis=1).sum())
                false, made = false + int((~hits.any(axis=0)).sum()), made + 1
                times += [answers[name]["seconds"]] if turn == 0 else []
            recall.append(f"{100 * found / faces:.1f}" if faces else "")
        line = "".join(f"{one:>8}" for one in recall)
        print(f"{kind:34}{line}{100 * false / made:>11.1f}{1000 * np.median(times):>10.1f}")


def overlaps(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union: (n, 4), (m, 4) -> (n, m)."""
    low = np.maximum(ones[:, None, :2], others[None, :, :2])
    high = np.minimum(ones[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (ones, others)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None] - shared))


if __name__ == "__main__":
    main()
