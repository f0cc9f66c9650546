from __future__ import annotations

from dataclasses import replace

import pytest

from agelens.apps.service.settings import Settings, from_environment
from agelens.errors import AgeLensError

OTHERS = Settings("hf://a/b", "haar", "openvino", "0.0.0.0", 80, 2, 3, 4, 5, 6.5, 7.5, 8.5, 9, 10, 11.5, 12.5)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment before a test comes back after it."""
    monkeypatch.setattr("os.environ", {})


def test_an_empty_environment_has_the_defaults_and_is_open() -> None:
    assert from_environment() == (Settings(), ())


def test_settings_pass_through_the_environment_whole() -> None:
    assert all(getattr(OTHERS, name) != getattr(Settings(), name) for name in Settings.__slots__)
    OTHERS.to_environment()
    assert from_environment()[0] == OTHERS


def test_each_setting_has_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGELENS_SERVE_MAX_MB", "0.5")
    monkeypatch.setenv("AGELENS_SERVE_THREADS", "")  # as if it were not there
    monkeypatch.setenv("AGELENS_YUNET", "of another part")
    settings, _ = from_environment()
    assert settings == replace(Settings(), max_mb=0.5)
    assert settings.max_bytes == 2**19


def test_keys_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGELENS_API_KEYS", " first, second,,")
    assert from_environment()[1] == ("first", "second")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AGELENS_SERVE_QUEU", "3", "AGELENS_SERVE_QUEU: the service has no such setting"),
        ("AGELENS_SERVE_MAX_MB", "much", "AGELENS_SERVE_MAX_MB: .*number"),
        ("AGELENS_SERVE_DETECTOR", "retina", "AGELENS_SERVE_DETECTOR: .*'yunet'"),
        ("AGELENS_SERVE_QUEUE", "0", "queue must be at least 1, not 0"),
    ],
)
def test_a_wrong_variable_is_named(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(AgeLensError, match=message):
        from_environment()
