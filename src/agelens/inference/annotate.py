"""Draw answers into a picture: each face boxed and numbered, with its age, interval and gender beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

from agelens.faces.boxes import Box
from agelens.faces.images import Source, open_image
from agelens.figures import BLUE, GREEN, ORANGE, certainty, gender_word, is_doubtful
from agelens.inference.answers import Face
from agelens.inference.placement import place_labels
from agelens.labels import Gender

#: Colours of boxes and labels, and of the text on them, which stands out by 4.5:1 or more (WCAG 2, AA).
COLOURS: dict[Gender | None, tuple[str, str]] = {
    Gender.MALE: (BLUE, "white"),
    Gender.FEMALE: (ORANGE, "black"),
    None: (GREEN, "black"),  # the model answers none, or a doubtful one
}

#: The colours of a face whose answers are withheld.
REFUSED = ("#5a6068", "white")

#: Pixels. Smaller text cannot be read, so small pictures are enlarged until it fits.
SMALLEST_TEXT, SMALLEST_SIDE = 13, 480

#: A dash of a doubtful face's box and the gap behind it, in widths of its line.
DASH, GAP = 4, 3


def annotate(
    image: Source, faces: Sequence[Face], max_side: int = 4096, *, numbers: Sequence[int] | None = None
) -> Image.Image:
    """Draw faces into a copy of the picture; refused ones in grey, without their answers.

    Text and lines grow with the picture; a picture under 480 pixels is enlarged first, since no legible
    label fits into it, and a larger one than ``max_side`` reduced (pixels). Where faces stand so close that
    a whole label would hide another face, a shorter one is drawn, at last the number alone. A face whose
    gender is doubtful has a dashed box.

    Args:
        image: the picture.
        faces: its faces.
        max_side: pixels.
        numbers: what the faces are called; None counts several from one, and leaves a single one without.

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
    if numbers is None and len(faces) > 1:
        numbers = range(1, len(faces) + 1)
    boxes = [_scaled(face.box, scale) for face in faces]
    texts = [_wordings(face, numbers[at] if numbers else None) for at, face in enumerate(faces)]
    fonts = [_font(canvas.size, box[2] - box[0]) for box in boxes]
    sizes = [[_size(draw, text, font) for text in own] for own, font in zip(texts, fonts, strict=True)]
    places = place_labels(boxes, sizes, canvas.size)
    for face, box in zip(faces, boxes, strict=True):
        _outline(draw, box, colours_of(face)[0], line, dashed=not face.refused and _is_doubtful(face))
    for face, own, font, place in zip(faces, texts, fonts, places, strict=True):
        colour, ink = colours_of(face)
        draw.rectangle(place.box, fill=colour)
        middle = (place.box[0] + place.box[2]) / 2, (place.box[1] + place.box[3]) / 2
        draw.multiline_text(middle, own[place.wording], fill=ink, font=font, anchor="mm")
    return canvas


def colours_of(face: Face) -> tuple[str, str]:
    """The colour of a face's box and label, and that of the text on it."""
    if face.refused:
        return REFUSED
    return COLOURS[None if _is_doubtful(face) else face.gender]


def label(face: Face) -> str:
    """Two short lines: the age with its interval, then the gender with its probability.

    A dash stands for what the model does not answer.
    """
    age = gender = "-"  # the font has no longer one
    if face.age is not None and face.age_interval is not None:
        low, high = face.age_interval
        age = f"{face.age:.0f} y ({low:.0f}-{high:.0f})"
    if face.gender is not None:
        gender = f"{gender_word(face.gender, face.gender_probability)} {certainty(face.gender_probability)}"
    return f"{age}\n{gender}"


def _wordings(face: Face, number: int | None) -> list[str]:
    """What a face's label may say, the longest first."""
    before = "" if number is None else f"{number}: "
    if face.refused:
        texts = [f"{before}refused\nquality {face.quality:.2f}", f"{before}refused"]
    else:
        texts = [f"{before}{label(face)}", f"{before}{'-' if face.age is None else f'{face.age:.0f} y'}"]
    return texts if number is None else [*texts, str(number)]


def _is_doubtful(face: Face) -> bool:
    return is_doubtful(face.gender_probability)


def _scaled(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = (value * scale for value in box)
    return x0, y0, x1, y1


def _font(size: tuple[int, int], box_width: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Text a fifth to an eighth of the box wide a line, within what the picture allows."""
    points = min(max(box_width / 7, max(size) / 45), max(size) / 22)
    return ImageFont.load_default(max(SMALLEST_TEXT, round(points)))


def _size(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> tuple[float, float]:
    """The size of a label: its text with a rim around it."""
    left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=font)
    _, above, _, below = draw.textbbox((0, 0), "0", font=font)
    rim = 0.45 * (below - above)
    return right - left + 2 * rim, bottom - top + 2 * rim


def _outline(draw: ImageDraw.ImageDraw, box: Box, colour: str, line: int, *, dashed: bool) -> None:
    if not dashed:
        draw.rectangle(box, outline=colour, width=line)
        return
    x0, y0, x1, y1 = box
    for start, end in _dashes(x0, x1, line):
        draw.line((start, y0, end, y0), fill=colour, width=line)
        draw.line((start, y1, end, y1), fill=colour, width=line)
    for start, end in _dashes(y0, y1, line):
        draw.line((x0, start, x0, end), fill=colour, width=line)
        draw.line((x1, start, x1, end), fill=colour, width=line)


def _dashes(start: float, end: float, line: int) -> Iterator[tuple[float, float]]:
    """Whole dashes from the one corner to the other, so that both corners are drawn."""
    count = max(1, round((end - start) / ((DASH + GAP) * line)))
    step = (end - start) / (count + DASH / (DASH + GAP))
    long = step * DASH / (DASH + GAP)
    for number in range(count + 1):
        yield start + number * step, start + number * step + long
