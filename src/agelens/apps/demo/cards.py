"""Faces as HTML for the demo: age, interval, gender, and the 101 probabilities drawn as an inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from agelens.figures import certainty, gender_word, is_doubtful
from agelens.inference.annotate import colours_of
from agelens.inference.answers import Face

#: The drawing's size and the height of its base line, in its own units; the page scales it.
WIDTH, HEIGHT, BASE = 404, 130, 104

STYLE = """
.agelens-cards { display: grid; gap: 0.75rem; }
.agelens-cards { grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
.agelens-card { border: 1px solid var(--border-color-primary); border-radius: 10px; padding: 0.8rem 1rem; }
.agelens-card h2 { margin: 0 0 0.2rem; font-size: 1.15rem; }
.agelens-card p { margin: 0 0 0.5rem; }
.agelens-card svg { width: 100%; height: auto; display: block; }
.agelens-card text { fill: var(--body-text-color); font-size: 17px; font-family: sans-serif; }
footer .show-api { color: var(--body-text-color); }
#errors .scroll { overflow-x: auto; }
#errors td, #errors th { padding: 0.3rem 0.7rem; text-align: right; white-space: pre; }
#errors .words { text-align: left; }
.agelens-number { display: inline-block; margin-right: 0.4rem; padding: 0 0.5rem; border-radius: 5px; }
"""


def face_cards(faces: Sequence[Face]) -> str:
    """One card a face, numbered and coloured as the picture has them."""
    cards = []
    for number, face in enumerate(faces, start=1):
        colour, ink = colours_of(face)
        called = ""
        if len(faces) > 1:
            badge = f"background: {colour}; color: {ink}"
            called = f'<span class="agelens-number" style="{badge}">Face {number}:</span>'
        # A dash stands for what the model does not answer.
        age = interval = "–"
        if face.age is not None and face.age_interval is not None:
            low, high = face.age_interval
            age, interval = f"{face.age:.0f} years", f"{low:.0f} – {high:.0f} years"
        gender = gender_word(face.gender, face.gender_probability)
        cards.append(
            f'<article class="agelens-card"><h2>{called}{age}, {gender}</h2>'
            f"<p>{face.interval_level:.0%} interval {interval}; {escape(_sureness(face))}</p>"
            f"<p>Quality {face.quality:.2f}{_turned(face)}</p>{_distribution(face)}</article>"
        )
    return f'<div class="agelens-cards">{"".join(cards)}</div>'


def _sureness(face: Face) -> str:
    """How sure the gender is, in words."""
    if face.gender is None:
        return "gender –"
    doubt = "gender doubtful: " if is_doubtful(face.gender_probability) else ""
    return f"{doubt}{face.gender} with probability {certainty(face.gender_probability)}"


def _turned(face: Face) -> str:
    return f"; turned by {face.turn}° clockwise" if face.turn else ""


def _distribution(face: Face) -> str:
    """The probability of each age as bars, interval shaded, expectation marked; nothing without an age."""
    mass, age, interval = face.age_probabilities, face.age, face.age_interval
    if mass is None or age is None or interval is None:
        return ""
    heights = mass / max(float(mass.max()), 1e-9) * (BASE - 12)
    colour, _ = colours_of(face)
    step = WIDTH / len(mass)
    bars = "".join(
        f'<rect x="{at * step:.1f}" y="{BASE - height:.1f}" width="{step - 0.6:.1f}" height="{height:.1f}"/>'
        for at, height in enumerate(heights)
        if height >= 0.1
    )
    low, high, mean = (np.array([*interval, age]) + 0.5) * step
    ticks = "".join(
        f'<text x="{(year + 0.5) * step:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{year}</text>'
        for year in range(10, 100, 20)
    )
    bounds = f"interval {interval[0]:.0f} to {interval[1]:.0f}"
    label = f"Probability of each age: highest at {mass.argmax()}, mean {age:.0f}, {bounds}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f'<rect x="{low:.1f}" y="4" width="{high - low:.1f}" height="{BASE - 4}" fill="{colour}" '
        'fill-opacity="0.14"/>'
        f'<g fill="{colour}">{bars}</g>'
        f'<line x1="{mean:.1f}" x2="{mean:.1f}" y1="4" y2="{BASE}" stroke="currentColor" stroke-width="1.5" '
        'stroke-dasharray="3 2"/>'
        f'<line x1="0" x2="{WIDTH}" y1="{BASE}" y2="{BASE}" stroke="currentColor" stroke-opacity="0.4"/>'
        f"{ticks}</svg>"
    )
