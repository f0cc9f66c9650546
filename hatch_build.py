"""PyPI's page of the project: the README, with links that lead somewhere from there, too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: A link or a picture of Markdown that names a file of the repository.
LINK = re.compile(r"(!?)\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Makes the description that is uploaded."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README, its links led to where ``[project.urls]`` says that the repository is."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository")
        metadata["readme"] = {"content-type": "text/markdown", "text": led(text, repository)}


def led(text: str, repository: str | None) -> str:
    """Markdown with its links led into a repository on GitHub; without one, files are named, not linked."""

    def lead(link: re.Match[str]) -> str:
        picture, words, path = link.groups()
        if repository:
            return f"{picture}[{words}]({repository}/{'raw' if picture else 'blob'}/main/{path})"
        return f"*(Picture: {words})*" if picture else f"{words} (`{path}`)"

    return LINK.sub(lead, text)
