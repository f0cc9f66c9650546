from __future__ import annotations

import os

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agelens.apps.service.settings import Settings, from_environment
from agelens.cli.main import app
from agelens.errors import AgeLensError


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of each start, and that a worker process would find the same in its environment."""
    starts: list[Settings] = []
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AGELENS_")}
    monkeypatch.setattr("os.environ", clean)

    def start(settings: Settings, application: str, log_config: dict[str, object]) -> int:
        assert from_environment()[0] == settings
        starts.append(settings)
        return 0

    monkeypatch.setattr("agelens.apps.service.server.serve", start)
    return starts


def serve(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["serve", *map(str, arguments)])


def test_without_options_the_settings_are_the_defaults(served: list[Settings]) -> None:
    done = serve()
    assert done.exit_code == 0, done.output
    assert served == [Settings()]
    assert (served[0].host, served[0].port) == ("127.0.0.1", 8000)


def test_options_reach_the_workers(served: list[Settings]) -> None:
    serve("--queue", 3, "--max-mb", 0.5, "--detector", "haar", "--port", 0, "--workers", 2)
    assert served == [Settings(detector="haar", queue=3, max_mb=0.5, port=0, workers=2)]


def test_a_variable_sets_what_no_option_does(served: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGELENS_SERVE_QUEUE", "5")
    monkeypatch.setenv("AGELENS_SERVE_BATCH_SIZE", "6")
    serve("--queue", 3)
    assert served == [Settings(queue=3, batch_size=6)]


def test_an_open_service_without_keys_is_warned_of(
    served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "without keys" not in serve().stderr
    assert "without keys" in serve("--host", "0.0.0.0").stderr
    monkeypatch.setenv("AGELENS_API_KEYS", "first")
    assert "without keys" not in serve("--host", "0.0.0.0").stderr


def test_wrong_use_is_said_before_the_server_starts(
    served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert serve("--queue", 0).exit_code == 2
    assert "no model 'nonsense'" in str(serve("--model", "nonsense").exception)
    monkeypatch.setenv("AGELENS_SERVE_QUEU", "5")
    error = serve().exception
    assert isinstance(error, AgeLensError)
    assert str(error) == "AGELENS_SERVE_QUEU: the service has no such setting"
    assert served == []
