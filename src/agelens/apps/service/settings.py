"""What the service allows: each setting's name, unit and default, for command line and environment."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from agelens.errors import AgeLensError


def _setting(default: Any, help: str, min: float | None = None, max: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "min": min, "max": max})


@dataclass(frozen=True, slots=True)
class Settings:
    """The model, the address and the limits; each is an option of ``agelens serve`` of the same name.

    Attributes:
        model: ``embedded``, a bundle's folder, or a hub address.
        detector: how faces are found.
        runtime: what computes the network.
    """

    model: str = "embedded"
    detector: Literal["auto", "yunet", "haar", "whole"] = "auto"
    runtime: Literal["onnxruntime", "openvino", "cuda"] = "onnxruntime"
    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 opens the service to other machines.")
    port: int = _setting(8000, "Port to listen on; 0 takes a free one.", 0, 65535)
    workers: int = _setting(1, "Worker processes.", 1)
    threads: int = _setting(2, "Worker threads per process.", 1)
    queue: int = _setting(64, "Images per process that wait for an answer; more are refused with 503.", 1)
    batch_size: int = _setting(8, "Images whose faces go through the network together.", 1)
    window_ms: float = _setting(
        4.0, "Longest time a found face waits for others to join its batch, milliseconds.", 0
    )
    max_mb: float = _setting(20.0, "Largest request body, MiB.", 0.01)
    max_megapixels: float = _setting(36.0, "Largest image, megapixels.", 0.01)
    max_images: int = _setting(32, "Most images per request.", 1)
    max_faces: int = _setting(100, "Most faces per image.", 1)
    upload_seconds: float = _setting(10.0, "Longest time for a request's body to arrive, seconds.", 0.01)
    deadline_seconds: float = _setting(10.0, "Longest time for an answer after that, seconds.", 0.01)

    def __post_init__(self) -> None:
        for setting in fields(self):
            value, low = getattr(self, setting.name), setting.metadata.get("min")
            if low is not None and value < low:
                raise ValueError(f"{setting.name} must be at least {low:g}, not {value:g}")

    @property
    def max_bytes(self) -> int:
        """The largest request body, bytes."""
        return int(self.max_mb * 2**20)

    def to_environment(self) -> None:
        """Leave the settings to this process and to uvicorn's workers: ``AGELENS_SERVE_QUEUE`` and so on."""
        for name, value in asdict(self).items():
            os.environ[f"AGELENS_SERVE_{name.upper()}"] = str(value)


def from_environment() -> tuple[Settings, tuple[str, ...]]:
    """The settings of the environment, defaults where it has none, and the keys; no keys leave it open.

    Raises:
        AgeLensError: a variable that is no setting, or a value that is none of its kind or out of range.
    """
    from pydantic import ValidationError
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Environment(BaseSettings):
        # AGELENS_SERVE_MAX_MB is split once after the prefix: serve, max_mb.
        model_config = SettingsConfigDict(
            env_prefix="AGELENS_", env_nested_delimiter="_", env_nested_max_split=1, env_ignore_empty=True
        )

        serve: Settings = Settings()
        api_keys: str = ""

    try:
        environment = Environment()
    except ValidationError as error:
        fault = error.errors()[0]
        name = "_".join(["AGELENS", *map(str, fault["loc"])]).upper()
        unknown = fault["type"] == "unexpected_keyword_argument"
        why = "the service has no such setting" if unknown else fault["msg"]
        raise AgeLensError(f"{name}: {why}") from error
    keys = (key.strip() for key in environment.api_keys.split(","))
    return environment.serve, tuple(key for key in keys if key)
