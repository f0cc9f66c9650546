"""The requests and answers for OpenAPI, made of ``AnswerOptions`` and ``Face``, which say each field once."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, Field, create_model

from agelens.inference.answers import Face
from agelens.inference.options import AnswerOptions


def _of_options() -> dict[str, Any]:
    kinds = get_type_hints(AnswerOptions)
    return {
        option.name: (
            Annotated[
                kinds[option.name],
                Field(
                    ge=option.metadata["min"],
                    le=option.metadata["max"],
                    description=option.metadata["help"],
                ),
            ],
            option.default,
        )
        for option in fields(AnswerOptions)
    }


def _of_faces() -> dict[str, Any]:
    kinds = get_type_hints(Face)
    return {
        one.name: (
            kinds[one.name] | None if one.metadata["withheld"] else kinds[one.name],
            None if one.metadata["asked"] else ...,
        )
        for one in fields(Face)
        if one.metadata
    }


#: The query of a request: the fields of ``AnswerOptions``.
AnswerQuery = create_model("AnswerQuery", **_of_options())

#: One face; pixels of the upright original, years, probabilities.
FaceAnswer = create_model("FaceAnswer", __doc__=Face.__doc__, **_of_faces())


class ImageAnswer(BaseModel):
    """One image: its faces, or why it could not be read."""

    image: str = Field(examples=["astronaut.jpg"])
    width: int = Field(examples=[512])
    height: int = Field(examples=[512])
    error: str | None = Field(examples=[None])
    faces: list[FaceAnswer]  # type: ignore[valid-type]


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
