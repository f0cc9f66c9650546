"""Mermaid's diagrams, drawn beforehand: a reader's browser would fetch Mermaid from a stranger's host.

GitHub draws the text of a diagram; the site shows a picture of it, named after the text's digest.
CONTRIBUTING.md tells how a changed diagram is drawn.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
FOLDER = "images/diagrams"


def digest(text: str) -> str:
    """What a diagram's pictures are named after."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the pictures of each diagram, for light and for dark, in the place of its text."""

    def drawn(diagram: re.Match[str]) -> str:
        name = digest(diagram[1])
        pictures = [f"{FOLDER}/{name}-{scheme}.svg" for scheme in ("light", "dark")]
        if not all(files.get_file_from_path(picture) for picture in pictures):
            raise PluginError(
                f"{page.file.src_uri}: a diagram is new or has changed, and docs/{pictures[0]} is missing; "
                "CONTRIBUTING.md says how it is drawn"
            )
        here = PurePosixPath(page.file.src_uri).parent
        light, dark = (os.path.relpath(picture, here) for picture in pictures)
        return f"![Diagram]({light}#only-light)![Diagram]({dark}#only-dark)\n"

    return DIAGRAM.sub(drawn, markdown)
