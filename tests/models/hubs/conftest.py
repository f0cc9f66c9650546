"""Local servers that speak the hubs' protocols."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.hub import Hub
from servers.hugging_face import hugging_face_server
from servers.kaggle import kaggle_server


@pytest.fixture
def kaggle(tmp_path: Path) -> Iterator[Hub]:
    home = {"HOME": str(tmp_path / "home"), "KAGGLEHUB_CACHE": str(tmp_path / "kaggle-cache")}
    with kaggle_server() as server:
        env = {"KAGGLE_API_ENVIRONMENT": "TEST", "KAGGLE_API_TOKEN": server.state.token}
        yield Hub(server, "kaggle://owner/agelens/onnx/tiny", {**home, **env})


@pytest.fixture
def hugging_face(tmp_path: Path) -> Iterator[Hub]:
    with hugging_face_server() as server:
        env = {"HF_ENDPOINT": server.url, "HF_TOKEN": server.state.token, "HF_HOME": str(tmp_path / "hf")}
        # The server speaks LFS over HTTP, not Xet, which is no open protocol.
        yield Hub(
            server, "hf://owner/agelens", {"HOME": str(tmp_path / "home"), **env, "HF_HUB_DISABLE_XET": "1"}
        )


@pytest.fixture(params=["kaggle", "hugging_face"])
def hub(request: pytest.FixtureRequest) -> Hub:
    """Each hub in turn."""
    return request.getfixturevalue(request.param)
