"""A table's own columns on their way into answers: their names there, their values as text and JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from functools import singledispatch
from types import MappingProxyType
from typing import Any

import numpy as np

#: Own column -> its kind: ``str`` for a CSV's, an Arrow type for Parquet's.
Kinds = Mapping[str, Any]

NO_COLUMNS: Kinds = MappingProxyType({})


def united(tables: Iterable[Kinds]) -> Kinds:
    """The columns of several tables; one that differs in kind between them is text."""
    kinds: dict[str, Any] = {}
    for table in tables:
        for name, kind in table.items():
            kinds[name] = kind if kinds.setdefault(name, kind) == kind else str
    return kinds


def carried_names(own: Iterable[str], answers: Iterable[str]) -> dict[str, str]:
    """Own column -> its column in a table of answers: ``row_age`` where the answers have an ``age``."""
    answered = set(answers)
    taken = {*answered, *own}
    names = {}
    for name in own:
        column = name
        while column in answered or (column != name and column in taken):
            column = f"row_{column}"
        taken.add(column)
        names[name] = column
    return names


@singledispatch
def plain(value: Any) -> Any:
    """A value as JSON has it: times as ISO 8601, durations in seconds, binary as base64, NaN as null."""
    return value if value is None or isinstance(value, str | bool | int) else str(value)


@plain.register
def _(value: float) -> float | str | None:
    return value if math.isfinite(value) else None if math.isnan(value) else str(value)


@plain.register(date)
@plain.register(time)
def _(value: date | time) -> str:
    return value.isoformat()


@plain.register
def _(value: timedelta) -> float:
    return value.total_seconds()


@plain.register
def _(value: bytes) -> str:
    return base64.b64encode(value).decode()


@plain.register(Mapping)
def _(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): plain(one) for key, one in value.items()}


@plain.register(np.bool_)
@plain.register(np.number)
def _(value: np.bool_ | np.number[Any]) -> Any:
    return plain(value.item())


@plain.register(list)
@plain.register(tuple)
def _(value: Sequence[Any]) -> list[Any]:
    return [plain(one) for one in value]


def text(value: Any) -> str | None:
    """A value as a cell of text has it, which is its JSON where it is neither text nor a number."""
    value = plain(value)
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
