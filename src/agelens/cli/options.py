"""The fields of a dataclass as options of a command: each is named, described and defaulted once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

import typer


def with_options(kind: type[Any], *names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the named fields of a dataclass as options, without names all that carry metadata.

    They stand where the command has its argument ``options``, which receives the object. A field's metadata
    are arguments of ``typer.Option``, such as ``help`` and ``min``.
    """
    kinds = get_type_hints(kind)
    made = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=Annotated[
                kinds[one.name], typer.Option(f"--{one.name.replace('_', '-')}", **one.metadata)
            ],
        )
        for one in fields(kind)
        if one.name in names or (not names and one.metadata)
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**values: Any) -> None:
            options = kind(**{one.name: values.pop(one.name) for one in made})
            command(**values, options=options)

        signature = inspect.signature(command, eval_str=True)
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]
        at = next(place for place, one in enumerate(own) if one.name == "options")
        parameters = [*own[:at], *made, *own[at + 1 :]]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate
