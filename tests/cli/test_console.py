from __future__ import annotations

import io
import subprocess
import sys

from rich.console import Console

from agelens.cli.console import rich_table
from agelens.figures import Table


def printed(table: Table, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(rich_table(table))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_brackets_are_printed_and_numbers_are_not_broken() -> None:
    table = Table("about", ("a long name of a figure", "value"), [("age", "4.64 [4.49, 4.79]")], note="* few")
    text = printed(table, 30)
    assert "4.64 [4.49, 4.79]\n" in text
    assert text.startswith("about")
    assert text.rstrip().endswith("* few")


def test_a_table_without_rows_is_its_head() -> None:
    assert printed(Table("", ("one", "two"), []), 40).split() == ["one", "two"]


def test_the_command_line_begins_without_what_a_command_needs() -> None:
    """So that help, completion and mistakes answer at once."""
    heavy = {"cv2", "onnxruntime", "PIL", "pydantic", "torch"}
    program = f"import sys, agelens.cli.main; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
