"""The content of ``bundle.json``: all that is needed to feed a model and to judge it, typed and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agelens.conformal import ConformalTable
from agelens.faces.crop import CropConvention
from agelens.faces.quality import QualityScale
from agelens.labels import GENDERS, NUM_AGES
from agelens.models.measurement import Coverage, Headline

#: Version 1 held the whole of every evaluation; since version 2 that lies beside, in ``metrics.json``.
SCHEMA_VERSION = 2
READ_VERSIONS = (1, 2)

#: The licence of AgeLens itself, which made a model and runs it.
CODE_LICENCE = "MIT"

RGB = tuple[float, float, float]

#: What a network may have learnt to answer.
Head = Literal["age", "gender"]
HEADS: tuple[Head, ...] = ("age", "gender")

#: What calibration fits, each by itself: the temperatures of the two heads, age intervals, and quality.
Part = Literal["age", "gender", "intervals", "quality"]
PARTS: tuple[Part, ...] = ("age", "gender", "intervals", "quality")


# The parts of a bundle are validated as parts of it: their own validators are built if one is made by itself.
class InputSpec(BaseModel):
    """What the network takes: ``(pixels / 255 - mean) / std``, RGB, channels first."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    size: int = Field(ge=8, le=4096)  # pixels, both sides
    colour: str = "RGB"
    mean: RGB
    std: RGB


class Fitted(BaseModel):
    """The faces that a part of the calibration was fitted on."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    on: str  # the split
    images: int = Field(ge=0)


class Calibration(BaseModel):
    """What turns logits into honest probabilities; 1.0 leaves them as the network gave them."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    age_temperature: float = Field(default=1.0, gt=0)
    gender_temperature: float = Field(default=1.0, gt=0)
    age_offsets: tuple[float, ...] = (0.0,) * NUM_AGES  # nats, added to the tempered age logits
    age_intervals: ConformalTable | None = None
    quality: QualityScale | None = None  # without it, quality is a plain score
    fitted_on: str = ""  # the split last fitted on; empty where nothing was fitted
    images: int = Field(default=0, ge=0)  # that it was fitted on
    parts: dict[Part, Fitted] = {}  # what each part was fitted on; older bundles say it of the whole
    unseen: tuple[Coverage, ...] = ()  # of the intervals on each data set that their fit left out

    def fitted(self, part: Part) -> Fitted | None:
        """What a part was fitted on; None where it was not."""
        if self.parts or not self.fitted_on or part == "quality":
            return self.parts.get(part)
        return Fitted(on=self.fitted_on, images=self.images)


class Start(BaseModel):
    """The earlier run that a training went on from; its data has been seen by the weights, too."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    path: str = ""
    sha256: str = ""  # of the checkpoint
    git_commit: str = "unknown"
    initial_weights: str = "unknown"
    sources: tuple[str, ...] = ()


class Training(BaseModel):
    """How the weights came about; what else a version of AgeLens recorded is kept as it is."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    recipe: dict[str, Any] = {}  # of agelens.training, which lies above this layer
    run: str = ""  # the name of the run's folder
    git_commit: str = "unknown"
    versions: dict[str, str] = {}  # of the packages that shape a result
    initial_weights: str = "unknown"
    started_from: Start | None = None
    parameters: int | None = None
    stored_as: str = "float32"  # the weights in model.onnx, which computes in float32 either way
    images: dict[str, int] = {}  # by split
    sources: tuple[str, ...] = ()  # of the manifest, those of earlier runs included
    terms: dict[str, str] = {}  # what the terms of a source permit, in a sentence
    data_sha256: str = ""
    also_sha256: tuple[str, ...] = ()
    taught: str | None = None  # SHA-256 of the soft answers learnt beside the labels
    result: dict[str, float] = {}  # the figures of the best epoch, as ``val/mae``


class BundleSpec(BaseModel):
    """The content of ``bundle.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = SCHEMA_VERSION
    name: str
    description: str = ""
    input: InputSpec
    crop: CropConvention = CropConvention()
    ages: tuple[int, ...] = tuple(range(NUM_AGES))
    genders: tuple[str, ...] = tuple(str(gender) for gender in GENDERS)
    heads: tuple[Head, ...] = Field(default=HEADS, min_length=1)  # learnt; of another nothing is answered
    calibration: Calibration = Calibration()
    training: Training = Training()
    metrics: dict[str, Headline] = {}  # by split
    licence: str  # of the weights
    code_licence: str = CODE_LICENCE
    files: dict[str, str]  # name -> sha256

    @property
    def licences(self) -> dict[str, str]:
        """What binds the code, the weights and the data, each apart from the others."""
        training = self.training
        terms = (training.terms.get(source, f"{source}: not stated") for source in training.sources)
        return {"code": self.code_licence, "weights": self.licence, "data": "; ".join(terms) or "not stated"}

    @model_validator(mode="before")
    @classmethod
    def _from_version_1(cls, content: Any) -> Any:
        """Move what training noted itself from the metrics, where it stood in version 1, to the training."""
        metrics = content.get("metrics") if isinstance(content, Mapping) else None
        if not isinstance(metrics, Mapping) or "at_training" not in metrics:
            return content
        others = dict(metrics)
        training = {**content.get("training", {}), "result": others.pop("at_training")}
        return {**content, "metrics": others, "training": training}
