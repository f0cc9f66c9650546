"""The fields of a dataclass as options of a command: each is named, described and defaulted once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter
from typing import Annotated, Any, get_type_hints

import typer


def with_options(kind: type[Any], *names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the named fields of a dataclass as options, without names all that carry metadata.

    They stand where the command has its argument ``options``, which receives the object. A field's metadata
    are arguments of ``typer.Option``, such as ``help`` and ``min``.
    """
    kinds = get_type_hints(kind)
    made = []
    for one in fields(kind):
        if one.name in names or (not names and one.metadata):
            option = typer.Option(f"--{one.name.replace('_', '-')}", **one.metadata)
            hint: Any = Annotated[kinds[one.name], option]
            made.append(Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=hint))

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**values: Any) -> None:
            options = kind(**{one.name: values.pop(one.name) for one in made})
            command(**values, options=options)

        signature = inspect.signature(command, eval_str=True)
        own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]
        at = list(signature.parameters).index("options")
        own[at : at + 1] = made
        run.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in own}
        return run

    return decorate
