"""How much a command says on stderr: ``--verbose`` and ``--quiet``, before a command's name or behind it.

The level of the logger ``agelens`` is the one place where the choice is kept: what is logged, and whether a
progress bar is drawn, both follow from it.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable
from inspect import Parameter
from typing import Annotated, Any

import typer

#: The logger that every logger of the library is below.
LOGGER = logging.getLogger("agelens")

Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Say what is done; twice, how long each step takes.",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress bar, no remarks and warnings: errors alone.")
]


def log_to_stderr() -> None:
    """Show what is logged on stderr, warnings and worse unless more or less is asked for."""
    logging.basicConfig(level=logging.WARNING, format="agelens: %(message)s", stream=sys.stderr)


def choose(verbose: int, quiet: bool) -> None:
    """Set the level that the options ask for; ``--quiet`` wins."""
    if quiet:
        LOGGER.setLevel(logging.ERROR)
    elif verbose:
        LOGGER.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


def is_quiet() -> bool:
    """Whether errors alone are wanted."""
    return LOGGER.getEffectiveLevel() >= logging.ERROR


def tell_by_default(level: int) -> None:
    """Log from this level on, for a command that has more to tell, unless the person has chosen."""
    if LOGGER.level == logging.NOTSET:
        LOGGER.setLevel(level)


def add_verbosity(app: typer.Typer) -> None:
    """Give every command of an application, and of the groups in it, the two options."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _with_verbosity(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            add_verbosity(group.typer_instance)


def _with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def run(*, verbose: int, quiet: bool, **values: Any) -> None:
        choose(verbose, quiet)
        command(**values)

    signature = inspect.signature(command, eval_str=True)
    own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]
    own += [
        Parameter("verbose", Parameter.KEYWORD_ONLY, default=0, annotation=Verbose),
        Parameter("quiet", Parameter.KEYWORD_ONLY, default=False, annotation=Quiet),
    ]
    run.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in own}
    return run
