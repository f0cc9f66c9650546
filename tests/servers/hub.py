"""A hub's server, and the command line with the hub's real client, pointed at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agelens.models.bundle import Bundle
from servers.base import Fault, Server
from servers.hugging_face import HuggingFaceState
from servers.kaggle import KaggleState


class Hub:
    """One hub's server, its URI, and the command line pointed at it."""

    def __init__(self, server: Server, uri: str, env: dict[str, str]) -> None:
        self.server, self.uri, self.env = server, uri, env

    @property
    def faults(self) -> list[Fault]:
        return self.server.state.faults

    def agelens(self, *arguments: object, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "agelens", *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **self.env, **env},
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        return done

    def push(self, bundle: Bundle, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        return self.agelens("push", bundle.folder, self.uri, code=code, **env)

    def pull(self, output: Path, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        return self.agelens("pull", self.uri, "--output", output, code=code, **env)

    @property
    def requests(self) -> list[tuple[str, str, object]]:
        """Method, path and the rest of each request that the server has got."""
        return self.server.state.requests

    def replace(self, name: str, data: bytes | None) -> None:
        """Change (or, with None, remove) a file of the newest version on the server."""
        state = self.server.state
        if isinstance(state, KaggleState):
            (versions,) = state.versions.values()
            files = versions[-1]
        else:
            assert isinstance(state, HuggingFaceState)
            (commits,) = state.repos.values()
            files = commits[-1]
        files.pop(name, None)
        if data is not None:
            files[name] = data


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def leftovers(folder: Path) -> list[str]:
    """What lies beside a folder that was to be written."""
    return [path.name for path in folder.parent.iterdir() if folder.name in path.name]
