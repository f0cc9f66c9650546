"""The answers' shape for OpenAPI: what ``predict --format json`` gives, with examples."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class FaceAnswer(BaseModel):
    """One face; pixels of the upright original, years, probabilities."""

    box: list[float] = Field(min_length=4, max_length=4, examples=[[173.0, 63.1, 280.4, 213.9]])
    detection: float = Field(ge=0, le=1, examples=[0.97])
    quality: float = Field(ge=0, le=1, examples=[0.58])
    refused: str | None = Field(examples=[None])
    age: float | None = Field(examples=[35.0])
    age_interval: list[float] | None = Field(examples=[[25.1, 46.8]])
    interval_level: float = Field(examples=[0.9])
    gender: Literal["male", "female"] | None = Field(examples=["female"])
    gender_probability: float | None = Field(examples=[0.97])
    at_least: int | None = Field(default=None, examples=[18])
    at_least_probability: float | None = Field(default=None, examples=[0.998])


class ImageAnswer(BaseModel):
    """One image: its faces, or why it could not be read."""

    image: str = Field(examples=["astronaut.jpg"])
    width: int = Field(examples=[512])
    height: int = Field(examples=[512])
    error: str | None = Field(examples=[None])
    faces: list[FaceAnswer]


#: The bodies that ``POST /v1/predict`` takes.
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["images"],
                "properties": {
                    "images": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "minItems": 1,
                    }
                },
            }
        },
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}
