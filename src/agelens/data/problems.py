"""What is wrong with a table of faces: a row that was left out, or a thing that an audit found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One row or file that was left out, and why."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, and the manifest's rows (from 1) that it is about."""

    kind: str
    rows: tuple[int, ...]
    detail: str
