"""What the service allows; one frozen model, handed to worker processes through the environment."""

from __future__ import annotations

import os

from pydantic import BaseModel, ConfigDict, Field

from agelens.faces.detection.base import DetectorName
from agelens.inference.runtimes import RuntimeName

#: Carries the settings to uvicorn's worker processes, as JSON.
ENVIRONMENT = "AGELENS_SERVICE"

#: Keys that clients must show, separated by commas; without it the service is open.
API_KEYS = "AGELENS_API_KEYS"


class Settings(BaseModel):
    """Limits and the model.

    Attributes:
        model: a bundle, as anywhere.
        detector: how faces are found.
        runtime: what computes the network.
        max_bytes: of a request's body.
        max_pixels: of an image.
        max_images: in a request.
        max_faces: in an image.
        queue: images accepted and not yet answered, in this process; more are refused with 503.
        batch: images whose faces go through the network at once.
        window: seconds a found face may wait for company while there are images to open.
        threads: that open images, find faces and read them.
        upload_seconds: for a body to arrive.
        deadline_seconds: for its images to be answered after that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "embedded"
    detector: DetectorName = "auto"
    runtime: RuntimeName = "onnxruntime"
    max_bytes: int = Field(default=20 * 2**20, ge=1)
    max_pixels: int = Field(default=36_000_000, ge=1)
    max_images: int = Field(default=32, ge=1)
    max_faces: int = Field(default=100, ge=1)
    queue: int = Field(default=64, ge=1)
    batch: int = Field(default=8, ge=1)
    window: float = Field(default=0.004, ge=0)
    threads: int = Field(default=2, ge=1)
    upload_seconds: float = Field(default=10.0, gt=0)
    deadline_seconds: float = Field(default=10.0, gt=0)

    def to_environment(self) -> None:
        """Leave the settings to processes started from now on."""
        os.environ[ENVIRONMENT] = self.model_dump_json()

    @classmethod
    def from_environment(cls) -> Settings:
        """What ``to_environment`` left; the defaults without."""
        text = os.environ.get(ENVIRONMENT)
        return cls.model_validate_json(text) if text else cls()


def api_keys() -> tuple[str, ...]:
    """The keys of the environment, empty where the service is open."""
    return tuple(key for part in os.environ.get(API_KEYS, "").split(",") if (key := part.strip()))
