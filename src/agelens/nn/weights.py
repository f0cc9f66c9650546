"""The weights that a network starts from, out of a file: no hub, no network, as on Kaggle without internet.

A file is a state dict, as safetensors or as torch saves it (``.pth``, ``.ckpt``): of a whole network, of a
run's checkpoint, or of a timm backbone alone. Nothing in it is unpickled but tensors.
"""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from agelens.errors import AgeLensError
from agelens.nn.heads import AgeGenderNet

#: ``package:MODULE/FILE`` is a file that an installed Python package carries.
PACKAGED = "package:"


def weights_file(name: str) -> Path:
    """The file that ``network.weights`` names: a path, or ``package:MODULE/FILE``.

    Raises:
        AgeLensError: there is no such file or package.
    """
    path = _packaged(name.removeprefix(PACKAGED)) if name.startswith(PACKAGED) else Path(name)
    if not path.is_file():
        raise AgeLensError(
            f"no file {path} to take weights from; network.weights names a state dict (.safetensors, .pth) "
            f"or {PACKAGED}MODULE/FILE"
        )
    return path


def unpickled(path: Path) -> Any:
    """What torch saved in a file, its tensors on the CPU; no code in it is run.

    Raises:
        pickle.UnpicklingError: torch saved no such file.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the unpickler stumbles over in a foreign file
        raise pickle.UnpicklingError(str(error) or type(error).__name__) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """The state dict of a file, in the precision in which it is stored.

    Raises:
        AgeLensError: the file is no state dict.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = unpickled(path)
        state = content.get("state_dict", content)
        return {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    except (
        OSError,
        AttributeError,
        pickle.UnpicklingError,
        SafetensorError,
    ) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise AgeLensError(
            f"{path} holds no state dict (.safetensors, or .pth as torch saves it): {first}"
        ) from error


def origin_of(path: Path) -> str:
    """Where the weights of a file come from, as its safetensors header says; empty where it says nothing."""
    if path.suffix != ".safetensors":
        return ""
    with safe_open(path, framework="pt") as file:
        return (file.metadata() or {}).get("origin", "")


def take_weights(network: AgeGenderNet, path: Path) -> None:
    """Start a network from a file's weights.

    What the file leaves out whole of ``network.new_parts`` (heads, attention) stays as it is; a backbone's
    classifier is passed over.

    Raises:
        AgeLensError: weights are missing, of another shape, or of no part of the network.
    """
    wanted = network.state_dict()
    given = _by_the_networks_names(read_weights(path), network)
    anew = tuple(part for part in network.new_parts if not any(name.startswith(part) for name in given))
    optional = (name for name in wanted if name.startswith(anew) or name.endswith("num_batches_tracked"))
    shared = [name for name in given if name in wanted]
    faults = (
        ("missing", sorted(wanted.keys() - given.keys() - set(optional))),
        ("unknown", sorted(given.keys() - wanted.keys())),
        ("of another shape", [name for name in shared if given[name].shape != wanted[name].shape]),
    )
    if any(names for _, names in faults):
        told = "; ".join(f"{len(names)} {what}, as {names[0]}" for what, names in faults if names)
        raise AgeLensError(f"the weights of {path} do not fit the network: {told}")
    network.load_state_dict(given, strict=False)


def _by_the_networks_names(state: dict[str, Tensor], network: AgeGenderNet) -> dict[str, Tensor]:
    """A checkpoint's names lose the task's prefix, a backbone's gain the network's."""
    if any(name.startswith("network.") for name in state):
        parts = (
            (name.removeprefix("network."), value)
            for name, value in state.items()
            if name.startswith("network.")
        )
        return dict(parts)
    backbone = getattr(network, "backbone", None)
    if backbone is None or any(name.startswith("backbone.") for name in state):
        return state
    classifier = _classifier(getattr(backbone, "pretrained_cfg", None) or {})
    return {f"backbone.{name}": value for name, value in state.items() if not name.startswith(classifier)}


def _classifier(about: dict[str, str | Sequence[str]]) -> tuple[str, ...]:
    """The names that a timm backbone's classifier has, which a network of ours is made without."""
    named = about.get("classifier") or ()
    return tuple(f"{name}." for name in ((named,) if isinstance(named, str) else named))


def _packaged(name: str) -> Path:
    module, _, file = name.partition("/")
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.submodule_search_locations:
        raise AgeLensError(
            f"{PACKAGED}{name}: there is no Python package {module!r}; install it, or name a file"
        )
    return Path(next(iter(found.submodule_search_locations))) / file
