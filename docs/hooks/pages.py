"""Pages of the site that are made, not written: from the files of the repository, and from the command line.

Each file keeps its one place in the repository, where GitHub and PyPI show it; the site shows the same text.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]

#: Files outside ``docs``, and the pages that they become.
SHOWN = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "web/README.md": "web.md",
    "src/agelens/assets/embedded/README.md": "models/embedded.md",
    "models/efficientnet-b4/README.md": "models/efficientnet-b4.md",
}

#: The example notebooks, likewise.
NOTEBOOKS = {
    path.relative_to(ROOT).as_posix(): f"examples/{path.stem}.md"
    for path in sorted((ROOT / "examples").rglob("*.ipynb"))
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {page: (ROOT / path).read_text(encoding="utf-8") for path, page in SHOWN.items()}
    made["commands.md"] = command_line()
    for path, page in NOTEBOOKS.items():
        made[page] = notebook(path)
    for page, content in made.items():
        files.append(File.generated(config, page, content=content))
    return files


def notebook(path: str) -> str:
    """A notebook as a page: its text and its code; what it prints is seen by running it."""
    from nbconvert import MarkdownExporter

    exporter = MarkdownExporter(exclude_output=True)  # type: ignore[no-untyped-call]
    content, _ = exporter.from_filename(str(ROOT / path))
    return f"{content}\n\nThis page is the notebook `{path}` of the repository.\n"


def command_line() -> str:
    """The reference of the command line, by Typer's own writer of documentation, from the program itself."""
    import typer
    from typer.cli import get_docs_for_click

    from agelens.cli.main import app

    command = typer.main.get_group(app)
    for below in command.commands.values():
        below.short_help = (below.help or "").partition("\n\n")[
            0
        ]  # whole; the writer cuts it where there is none
    context = typer.Context(command, info_name="agelens")
    return get_docs_for_click(obj=command, ctx=context, name="agelens", title="Command line")
