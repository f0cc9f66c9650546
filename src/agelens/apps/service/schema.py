"""The requests and answers for OpenAPI, made of ``AnswerOptions`` and ``Face``, which say each field once."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

from pydantic import BaseModel, Field, create_model

from agelens.inference.answers import Face
from agelens.inference.options import AnswerOptions


def _described(option: dataclasses.Field[Any]) -> Any:
    about = option.metadata
    return Field(option.default, ge=about["min"], le=about["max"], description=about["help"])


_kinds, _options = get_type_hints(AnswerOptions), dataclasses.fields(AnswerOptions)
_query: dict[str, Any] = {one.name: (_kinds[one.name], _described(one)) for one in _options}

#: The query of a request: the fields of ``AnswerOptions``.
AnswerQuery = create_model("AnswerQuery", **_query)

_face_kinds = get_type_hints(Face)
_reported: dict[str, Any] = {
    one.name: (
        _face_kinds[one.name] | None if one.metadata["withheld"] else _face_kinds[one.name],
        None if one.metadata["asked"] else ...,
    )
    for one in dataclasses.fields(Face)
    if one.metadata
}

#: One face; pixels of the upright original, years, probabilities.
FaceAnswer = create_model("FaceAnswer", __doc__=Face.__doc__, **_reported)


class ImageAnswer(BaseModel):
    """One image: its faces, or why it could not be read."""

    image: str = Field(examples=["astronaut.jpg"])
    width: int = Field(examples=[512])
    height: int = Field(examples=[512])
    frames: int = Field(examples=[1], description="Frames or pages of the file; the first was read.")
    error: str | None = Field(examples=[None])
    faces: list[FaceAnswer]  # type: ignore[valid-type]


_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "required": ["images"],
    "properties": {"images": {"type": "array", "items": _FILE, "minItems": 1}},
}

#: The bodies that ``POST /v1/predict`` takes.
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": _FORM},
        "image/*": {"schema": _FILE},
        "application/octet-stream": {"schema": _FILE},
    },
}
