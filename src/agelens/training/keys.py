"""The keys of a recipe, as its own models declare them: what each means, and the nearest to a mistyped one.

The descriptions of the models' fields are the one place where a key is explained.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

#: The column of the explanations; that of a longer line stands above it.
_COLUMN = 42


def keys_of(model: type[BaseModel], content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each key of a recipe by its dotted name, and what it means, a section before the keys in it.

    Of a section that is one of several models, as the network, ``content`` says by its ``kind`` which.
    """
    for name, field in model.model_fields.items():
        yield name, field.description or ""
        given = content.get(name)
        if section := _section(field.annotation, given if isinstance(given, Mapping) else {}):
            for key, meaning in keys_of(section, {}):
                yield f"{name}.{key}", meaning


def unknown_keys(model: type[BaseModel], content: Mapping[str, Any], error: ValidationError) -> list[str]:
    """A sentence for each key of ``content`` that the model does not have, with the nearest that it has."""
    known = [name for name, _ in keys_of(model, content)]
    told = []
    for fault in error.errors():
        if fault["type"] == "extra_forbidden":
            name = ".".join(_path(fault["loc"], model))
            if isinstance(fault["input"], Mapping) and fault["input"]:
                name += f".{next(iter(fault['input']))}"
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else "'agelens recipes show NAME' explains them all"
            told.append(f"there is no key {name!r}; {hint}")
    return told


def explained(model: type[BaseModel], content: Mapping[str, Any]) -> str:
    """The content as YAML, each key with what it means as a comment: a recipe to read, and to edit."""
    lines = []
    for name, meaning in keys_of(model, content):
        *sections, last = name.split(".")
        value: Any = content
        for part in (*sections, last):
            value = value[part]
        is_section = any(key.startswith(f"{name}.") for key, _ in keys_of(model, content))
        text = "" if is_section else f" {_on_one_line(value)}"
        indent, comment = "  " * len(sections), f"# {meaning}"
        line = f"{indent}{last}:{text}"
        lines += [f"{line:<{_COLUMN}}  {comment}"] if len(line) <= _COLUMN else [indent + comment, line]
    return "\n".join(lines) + "\n"


def nearest(name: str, known: list[str]) -> str | None:
    """The key that was most likely meant: its last part is spelt alike, then the whole; None without one."""
    last = name.rpartition(".")[2]
    alike = difflib.get_close_matches(last, {key.rpartition(".")[2] for key in known}, 1, 0.75)
    same = [key for key in known if key.rpartition(".")[2] in alike]
    return next(iter(difflib.get_close_matches(name, same, 1, 0)), None)


def _section(annotation: Any, content: Mapping[str, Any]) -> type[BaseModel] | None:
    """The model of a section, of several the one whose ``kind`` the content names; None for a value."""
    models = [one for one in (annotation, *get_args(annotation)) if _is_model(one)]
    if len(models) < 2:
        return models[0] if models else None
    return next((one for one in models if one.model_fields["kind"].default == content.get("kind")), None)


def _path(place: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The parts of a key, without the kind that pydantic puts after a section of several models."""
    first, *rest = map(str, place)
    field = model.model_fields.get(first)
    several = field is not None and sum(map(_is_model, get_args(field.annotation))) > 1
    return [first, *(rest[1:] if several else rest)]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _on_one_line(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=1_000_000, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")
