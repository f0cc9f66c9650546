"""Every exception that AgeLens raises for its user: its message is a sentence, shown by the command line.

All of them live here, whichever module raises them. A wrong argument of a function, which is a programmer's
mistake and not a user's, is Python's ``ValueError``.
"""

from __future__ import annotations

import importlib
from types import ModuleType


class AgeLensError(Exception):
    """Something the user can mend; the message says what was wrong, where, and what to do."""

    #: The command line's exit code: 2 after wrong use, 1 where work could not be done.
    exit_code = 2


class ImageError(AgeLensError):
    """An image that cannot be read, or is refused."""


class DetectorError(AgeLensError):
    """A detector whose file is missing, damaged or cannot be fetched, or whose faces cannot be aligned."""


class LabelError(AgeLensError):
    """A label that is no age or no gender."""


class BundleError(AgeLensError):
    """A model bundle that is missing, incomplete or not what its hashes say."""


class ManifestError(AgeLensError):
    """A table of labelled images that cannot be read or breaks the schema."""


class RecipeError(AgeLensError):
    """A training recipe with an unknown key or a value out of range."""


class OutputError(AgeLensError):
    """An output that cannot be written, or that would replace what is not its own."""


class HubError(AgeLensError):
    """A hub whose address is malformed, that cannot be reached, refuses, or sends what is no bundle."""

    exit_code = 1


class JobError(AgeLensError):
    """A job that cannot go on from where it was left."""


class TrainingStoppedError(AgeLensError):
    """A training that the user has stopped; the message says what is kept and how to go on."""

    exit_code = 130  # as a shell has it after Ctrl-C


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
