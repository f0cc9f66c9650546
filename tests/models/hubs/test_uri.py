from __future__ import annotations

import pytest

from agelens.errors import HubError
from agelens.models.hubs import HuggingFaceUri, KaggleUri, parse_uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("kaggle://me/agelens/onnx/embedded", KaggleUri("me", "agelens", "onnx", "embedded")),
        ("kaggle://me/agelens/pyTorch/b4-384/12", KaggleUri("me", "agelens", "pyTorch", "b4-384", 12)),
        ("hf://me/age-lens", HuggingFaceUri("me/age-lens")),
        ("hf://me/age.lens@v1.0", HuggingFaceUri("me/age.lens", "v1.0")),
        ("hf://me/agelens@refs/pr/3", HuggingFaceUri("me/agelens", "refs/pr/3")),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, uri: object) -> None:
    assert parse_uri(text) == uri
    assert str(uri) == text


@pytest.mark.parametrize(
    "text",
    [
        "kaggle://me/agelens/onnx",
        "kaggle://me/agelens/onnx/embedded/0",
        "kaggle://me/agelens/onnx/embedded/latest",
        "kaggle://me/../onnx/embedded",
        "hf://agelens",
        "hf://me/agelens@",
        "hf://me/agelens/more",
        "https://huggingface.co/me/agelens",
        "me/agelens",
    ],
)
def test_what_is_no_address_is_refused_with_both_forms(text: str) -> None:
    with pytest.raises(HubError, match=r"kaggle://owner/model.*hf://owner/repo"):
        parse_uri(text)
