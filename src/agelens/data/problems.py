"""What an audit finds: one thing, and the rows that it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, and the manifest's rows (from 1) that it is about."""

    kind: str
    rows: tuple[int, ...]
    detail: str
