"""Augmentation as two affine maps, one of positions and one of colours, and what hides or spoils a face.

Flip, rotation, scale and shift are one matrix, so an image is resampled once; brightness, contrast,
saturation, hue and greying are linear in RGB, so colour is one 3×4 matrix. That is what makes a packed
image cost some fifty microseconds. Every image draws from a generator of its own, seeded by (seed,
epoch, row): the same image looks the same whatever the number of workers, and after a resume.
"""

from __future__ import annotations

import io
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, Field

from agelens.faces.images import Pixels
from agelens.training.covers import cover

#: ITU-R BT.601 weights of RGB in luminance.
LUMINANCE = np.array([0.299, 0.587, 0.114])


class AugmentConfig(BaseModel, extra="forbid", frozen=True):
    """Ranges of the random changes; all off by default."""

    flip: float = Field(default=0.0, ge=0, le=1, description="probability of mirroring")
    rotate: float = Field(default=0.0, ge=0, le=180, description="degrees, either way")
    scale: float = Field(default=0.0, ge=0, lt=1, description="relative; 0.1 draws from 1/1.1 to 1.1")
    translate: float = Field(default=0.0, ge=0, lt=1, description="of the side, either way")
    brightness: float = Field(default=0.0, ge=0, le=1, description="by a factor of 1 ± this")
    contrast: float = Field(default=0.0, ge=0, le=1, description="by a factor of 1 ± this")
    saturation: float = Field(default=0.0, ge=0, le=1, description="by a factor of 1 ± this")
    hue: float = Field(default=0.0, ge=0, le=0.5, description="of the colour circle, either way")
    grey: float = Field(default=0.0, ge=0, le=1, description="probability of losing all colour")
    erase: float = Field(
        default=0.0, ge=0, le=1, description="probability of a rectangle of noise (Zhong 2020)"
    )
    cover: float = Field(default=0.0, ge=0, le=1, description="probability of a mask, dark glasses or a hand")
    degrade: float = Field(
        default=0.0, ge=0, le=1, description="probability of few pixels, blur, noise or JPEG"
    )


def augment(pixels: Pixels, size: int, config: AugmentConfig, rng: np.random.Generator) -> Pixels:
    """Change a face at random and resample it: (h, w, 3) -> (size, size, 3) uint8 RGB."""
    if config.cover and rng.random() < config.cover:
        pixels = pixels.copy()
        cover(pixels, rng)
    matrix = _position(pixels.shape[:2], size, config, rng)
    result: Pixels = cv2.warpAffine(
        pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    result = cv2.transform(result, _colour(result, config, rng))
    if config.degrade and rng.random() < config.degrade:
        result = _degraded(result, rng)
    if rng.random() < config.erase:
        _erase(result, rng)
    return result


def _position(
    shape: tuple[int, ...], size: int, config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The 2×3 matrix from source pixels to output pixels, about the centres of both."""
    height, width = shape
    angle = math.radians(rng.uniform(-config.rotate, config.rotate))
    zoom = math.exp(rng.uniform(-1, 1) * math.log1p(config.scale))
    shift = rng.uniform(-config.translate, config.translate, 2) * size
    mirror = -1.0 if rng.random() < config.flip else 1.0
    cosine, sine = math.cos(angle) * zoom, math.sin(angle) * zoom
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([mirror * size / width, size / height])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    offset = (size - 1) / 2 + shift - linear @ centre
    return np.column_stack([linear, offset])


def _colour(pixels: Pixels, config: AugmentConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """The 3×4 matrix of brightness, contrast about the mean grey, saturation and hue, in RGB."""
    ranges = (config.brightness, config.contrast, config.saturation)
    brightness, contrast, saturation = 1.0 + rng.uniform(-1, 1, 3) * ranges
    if rng.random() < config.grey:
        saturation = 0.0
    grey = np.tile(LUMINANCE, (3, 1))
    colour = saturation * (_hue_rotation(rng.uniform(-config.hue, config.hue)) - grey) + grey
    mean = float(LUMINANCE @ pixels.mean(axis=(0, 1)))
    offset = np.full(3, brightness * (1.0 - contrast) * mean)
    return np.column_stack([brightness * contrast * colour, offset])


def _hue_rotation(turn: float) -> NDArray[np.float64]:
    """Turn chroma by a share of the circle and leave luminance: a rotation in the YIQ plane."""
    to_yiq = np.array([LUMINANCE, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    angle = 2 * math.pi * turn
    cosine, sine = math.cos(angle), math.sin(angle)
    rotation = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return np.asarray(np.linalg.inv(to_yiq) @ rotation @ to_yiq)


def _degraded(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """What poor cameras and networks do to a face: fewer pixels or blur, then noise or JPEG."""
    size = pixels.shape[0]
    if rng.random() < 0.5:
        small = max(16, round(size / math.exp(rng.uniform(0.0, math.log(4)))))
        pixels = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_LINEAR)
    else:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 2.0) * size / 88)
    if rng.random() < 0.5:
        quality = int(rng.integers(15, 70))
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        return np.array(Image.open(file))
    noise = rng.normal(0.0, rng.uniform(2.0, 14.0), pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _erase(pixels: Pixels, rng: np.random.Generator) -> None:
    """Overwrite a rectangle of 2 to 20 % of the area with noise, in place."""
    size = pixels.shape[0]
    area = rng.uniform(0.02, 0.2) * size * size
    ratio = math.exp(rng.uniform(-1, 1) * math.log(2))
    height = min(size, max(1, round(math.sqrt(area * ratio))))
    width = min(size, max(1, round(math.sqrt(area / ratio))))
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    pixels[top : top + height, left : left + width] = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
