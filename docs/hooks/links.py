"""Links of the site: what a file links to in the repository is what its page links to here.

A link to a file that has no page, such as a script, is answered with the file itself.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pages import NOTEBOOKS, ROOT, SHOWN

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")

_PAGES = SHOWN | NOTEBOOKS
_PLACES = {page: path for path, page in _PAGES.items()}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the page's links to where the site has what they name."""
    here = page.file.src_uri
    source = PurePosixPath(_PLACES.get(here, f"docs/{here}"))

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(source.parent / link[1])
        if not (ROOT / target).exists():
            return link[0]  # MkDocs says that it is broken
        return os.path.relpath(_on_site(target, config, files), PurePosixPath(here).parent) + (link[2] or "")

    return LINK.sub(moved, markdown)


def _on_site(target: str, config: MkDocsConfig, files: Files) -> str:
    """Where the site has a file of the repository; it is added where it is not there yet."""
    if target in _PAGES:
        return _PAGES[target]
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    place = f"files/{target}"
    if files.get_file_from_path(place) is None:
        files.append(File.generated(config, place, abs_src_path=str(ROOT / target)))
    return place
