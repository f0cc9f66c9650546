"""Draw answers into a picture: each face boxed, with its age, interval and gender beside it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from agelens.faces.boxes import Box, intersection
from agelens.faces.images import Source, open_image
from agelens.figures import BLUE, GREEN, ORANGE
from agelens.inference.answers import Face
from agelens.labels import Gender

#: Colours of boxes and labels, and of the text on them.
COLOURS: dict[Gender | None, tuple[str, str]] = {
    Gender.MALE: (BLUE, "white"),
    Gender.FEMALE: (ORANGE, "black"),
    None: (GREEN, "white"),  # the model answers none
}

#: The colours of a face whose answers are withheld.
REFUSED = ("#5a6068", "white")

#: Pixels. Smaller text cannot be read, so small pictures are enlarged until it fits.
SMALLEST_TEXT, SMALLEST_SIDE = 13, 480


def annotate(image: Source, faces: Sequence[Face], max_side: int = 4096) -> Image.Image:
    """Draw faces into a copy of the picture; refused ones in grey, without their answers.

    Text and lines grow with the picture; a picture under 480 pixels is enlarged first, since no legible
    label fits into it, and a larger one than ``max_side`` reduced (pixels).

    Raises:
        ImageError: the image cannot be read.
    """
    picture = open_image(image, max_side, lenient=True)  # whoever has its faces was so, or had no need
    canvas = Image.fromarray(picture.pixels)
    scale = picture.scale
    if max(canvas.size) < SMALLEST_SIDE:
        factor = SMALLEST_SIDE / max(canvas.size)
        canvas = canvas.resize((round(canvas.width * factor), round(canvas.height * factor)))
        scale *= factor
    draw = ImageDraw.Draw(canvas)
    line = max(2, round(max(canvas.size) / 400))
    taken: list[Box] = []
    for face in faces:
        colour, ink = REFUSED if face.refused else COLOURS[face.gender]
        x0, y0, x1, y1 = (value * scale for value in face.box)
        draw.rectangle((x0, y0, x1, y1), outline=colour, width=line)
        font = _font(canvas.size, x1 - x0)
        text = f"refused\nquality {face.quality:.2f}" if face.refused else label(face)
        _, _, right, bottom = draw.multiline_textbbox((0, 0), text, font=font)
        pad = bottom * 0.12
        place = _place(right + 2 * pad, bottom + 2 * pad, (x0, y0, x1, y1), canvas.size, taken)
        taken.append(place)
        draw.rectangle(place, fill=colour)
        draw.multiline_text((place[0] + pad, place[1] + pad), text, fill=ink, font=font)
    return canvas


def label(face: Face) -> str:
    """Two short lines: the age with its interval, then the gender with its probability.

    A dash stands for what the model does not answer.
    """
    age = gender = "-"
    if face.age is not None and face.age_interval is not None:
        low, high = face.age_interval
        age = f"{face.age:.0f} y ({low:.0f}-{high:.0f})"
    if face.gender is not None:
        gender = f"{face.gender} {certainty(face.gender_probability)}"
    return f"{age}\n{gender}"


def certainty(probability: float | None) -> str:
    """A probability as a person reads it: no answer is 100 % sure; a dash where there is none."""
    if probability is None:
        return "–"
    return ">99%" if probability >= 0.995 else f"{probability:.0%}"


def _font(size: tuple[int, int], box_width: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Text a fifth to an eighth of the box wide a line, within what the picture allows."""
    points = min(max(box_width / 7, max(size) / 45), max(size) / 22)
    return ImageFont.load_default(max(SMALLEST_TEXT, round(points)))


def _place(width: float, height: float, box: Box, size: tuple[int, int], taken: Sequence[Box]) -> Box:
    """Above the box, else below, else inside it: the first place that covers no other label."""
    x0, y0, _, y1 = box
    x = min(max(0.0, x0), max(0.0, size[0] - width))
    tops = [min(max(0.0, y), max(0.0, size[1] - height)) for y in (y0 - height, y1, y0, y1 - height)]
    places = [(x, y, x + width, y + height) for y in tops]
    free = (place for place in places if not any(intersection(place, other) for other in taken))
    return next(free, places[0])
