"""Where a bundle lies on a hub, as one line of text.

``kaggle://owner/model/framework/variation[/version]`` and ``hf://owner/repo[@revision]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agelens.errors import HubError

_SLUG = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_KAGGLE = re.compile(rf"kaggle://({_SLUG})/({_SLUG})/({_SLUG})/({_SLUG})(?:/([1-9]\d*))?")
_HUGGING_FACE = re.compile(rf"hf://({_SLUG}/{_SLUG})(?:@([A-Za-z0-9][A-Za-z0-9._/-]*))?")


@dataclass(frozen=True, slots=True)
class KaggleUri:
    """A variation of a Kaggle model, and perhaps one of its versions."""

    owner: str
    model: str
    framework: str
    variation: str
    version: int | None = None

    @property
    def handle(self) -> str:
        """As kagglehub writes it."""
        unversioned = f"{self.owner}/{self.model}/{self.framework}/{self.variation}"
        return unversioned if self.version is None else f"{unversioned}/{self.version}"

    def __str__(self) -> str:
        return f"kaggle://{self.handle}"


@dataclass(frozen=True, slots=True)
class HuggingFaceUri:
    """A repository on Hugging Face, and perhaps a branch, tag or commit of it."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"hf://{self.repo}" + (f"@{self.revision}" if self.revision else "")


HubUri = KaggleUri | HuggingFaceUri


def parse_uri(text: str) -> HubUri:
    """Read an address.

    Raises:
        HubError: it is of neither form.
    """
    if match := _KAGGLE.fullmatch(text):
        owner, model, framework, variation, version = match.groups()
        return KaggleUri(owner, model, framework, variation, int(version) if version else None)
    if match := _HUGGING_FACE.fullmatch(text):
        return HuggingFaceUri(*match.groups())
    raise HubError(
        f"{text!r} is no address of a model; "
        "write kaggle://owner/model/framework/variation[/version] or hf://owner/repo[@revision]"
    )
