"""The one exception family: each message is a sentence to the user, caught once, at the command line."""

from __future__ import annotations

import importlib
from types import ModuleType


class AgeLensError(Exception):
    """Something the user can mend; the message says what was wrong, where, and what to do."""

    #: Of the command line: 2 is wrong use, 1 is work that could not be done.
    exit_code = 2


class ImageError(AgeLensError):
    """An image that cannot be read, or is refused."""


class BundleError(AgeLensError):
    """A model bundle that is missing, incomplete or not what its hashes say."""


class ManifestError(AgeLensError):
    """A table of labelled images that cannot be read or breaks the schema."""


class RecipeError(AgeLensError):
    """A training recipe with an unknown key or a value out of range."""


class MissingExtraError(AgeLensError):
    """An optional part of AgeLens is not installed."""


def require(module: str, extra: str) -> ModuleType:
    """Import ``module``, or say in one sentence which pip command brings it.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise MissingExtraError(
            f"{missing} is not installed; this needs the '{extra}' extra: pip install 'agelens[{extra}]'"
        ) from error
