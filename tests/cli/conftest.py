"""What a command sets for its process, which here is that of all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from agelens.cli.verbosity import LOGGER


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """The level that a command chose is gone afterwards, and so is what it logged to."""
    before, root = LOGGER.level, logging.getLogger()
    yield
    LOGGER.setLevel(before)
    for handler in [one for one in root.handlers if type(one) is logging.StreamHandler]:
        root.removeHandler(handler)
