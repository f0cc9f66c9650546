"""Every link in what people read leads somewhere: to a file, to a heading in it, or to a host we know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

ROOT = Path(__file__).parents[1]

#: What GitHub shows of the repository.
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *ROOT.glob(".github/*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("models/*/README.md"),
        ROOT / "src/agelens/assets/embedded/README.md",
        ROOT / "web/README.md",
    }
)

#: Whom the pages send their readers to. A new host belongs here once somebody has looked at it.
HOSTS = {
    "arxiv.org",
    "chalearnlap.cvc.uab.cat",
    "data.vision.ee.ethz.ch",
    "doi.org",
    "github.com",
    "huggingface.co",
    "ibug.doc.ic.ac.uk",
    "keepachangelog.com",
    "mutmut.readthedocs.io",
    "pypi.org",
    "susanqq.github.io",
    "vis-www.cs.umass.edu",
    "www.kaggle.com",
}

#: Known hosts that cannot be reached by https.
HTTP_ONLY = {"vis-www.cs.umass.edu"}

GITHUB = MarkdownIt("gfm-like").use(front_matter_plugin).use(anchors_plugin, max_level=6)


def tokens(page: Path) -> list[Token]:
    """The page's parts in order, inline ones after the block that holds them."""
    blocks = GITHUB.parse(page.read_text(encoding="utf-8"))
    return [one for block in blocks for one in (block, *(block.children or ()))]


def links(page: Path) -> Iterator[str]:
    """What the page links to or shows."""
    for token in tokens(page):
        yield from (str(value) for name, value in token.attrs.items() if name in ("href", "src"))


def anchors(page: Path) -> set[str]:
    """The headings of a page that can be linked to."""
    return {str(token.attrs["id"]) for token in tokens(page) if token.type == "heading_open"}


def faults(page: Path) -> list[str]:
    """What is wrong with the links of a page, a sentence each."""
    return [f"{link}: {fault}" for link in links(page) if (fault := _fault(page, link))]


def _fault(page: Path, link: str) -> str | None:
    address = urlsplit(link)
    if address.scheme or address.netloc:
        host = address.hostname or ""
        if address.scheme != ("http" if host in HTTP_ONLY else "https"):
            return "not https"
        return None if host in HOSTS else f"{host or 'no host'} is not among the known hosts"
    target = (page.parent / unquote(address.path)).resolve() if address.path else page
    if not target.exists():
        return "no such file"
    if address.fragment and address.fragment not in anchors(target):
        return "no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert faults(page) == []


def test_the_links_are_found() -> None:
    assert sum(len(list(links(page))) for page in PAGES) > 60


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a](missing.md)", "missing.md: no such file"),
        ("![a](missing.png)", "missing.png: no such file"),
        ("[a](#the-other)", "#the-other: no such heading"),
        ("[a](other.md#nowhere)", "other.md#nowhere: no such heading"),
        ("[a](http://github.com/a)", "http://github.com/a: not https"),
        ("[a](https://example.org)", "https://example.org: example.org is not among the known hosts"),
        ("[a](https:///b)", "https:///b: no host is not among the known hosts"),
        ("<https://example.org>", "https://example.org: example.org is not among the known hosts"),
        ("| a |\n| - |\n| [a][b] |\n\n[b]: missing.md", "missing.md: no such file"),
    ],
)
def test_a_planted_fault_is_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "other.md").write_text("# Other\n")
    (tmp_path / "page.md").write_text(f"# A page\n\n{text}\n")
    assert faults(tmp_path / "page.md") == [told]


def test_what_leads_somewhere_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# What is said, twice\n\n# What is said, twice\n")
    (tmp_path / "page.md").write_text(
        "---\ntitle: '[a](missing.md)'\n---\n\n# A page\n\n[a](#a-page) [b](other.md) "
        "[c](other.md#what-is-said-twice-1) [d](https://github.com/a) `[e](missing.md)`\n"
    )
    assert faults(tmp_path / "page.md") == []
