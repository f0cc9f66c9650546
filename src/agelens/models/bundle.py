"""The bundle: one folder that is a model, whatever trained it; the contract between training and use.

``model.onnx`` takes ``images`` (B, 3, S, S) float32 and answers ``age_logits`` (B, 101) and
``gender_logits`` (B, 2); ``bundle.json`` says all that is needed to feed it and to judge it; ``README.md``
is the model card. No pickle, no torch.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agelens.conformal import ConformalTable
from agelens.errors import BundleError
from agelens.faces.crop import CropConvention
from agelens.files import sha256, write_text
from agelens.labels import GENDERS, NUM_AGES

BUNDLE_FILE = "bundle.json"
MODEL_FILE = "model.onnx"
CARD_FILE = "README.md"

SCHEMA_VERSION = 1

RGB = tuple[float, float, float]


class InputSpec(BaseModel):
    """What the network takes: ``(pixels / 255 - mean) / std``, RGB, channels first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=8, le=4096)  # pixels, both sides
    colour: str = "RGB"
    mean: RGB
    std: RGB


class Calibration(BaseModel):
    """What turns logits into honest probabilities; 1.0 leaves them as the network gave them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    age_temperature: float = Field(default=1.0, gt=0)
    gender_temperature: float = Field(default=1.0, gt=0)
    age_offsets: tuple[float, ...] = (0.0,) * NUM_AGES  # nats, added to the tempered age logits
    age_intervals: ConformalTable | None = None
    fitted_on: str = ""  # the split; empty where nothing was fitted
    images: int = Field(default=0, ge=0)  # that it was fitted on


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
    calibration: Calibration = Calibration()
    training: dict[str, Any] = {}  # recipe, commit, versions, data, initial weights
    metrics: dict[str, Any] = {}  # by split; each figure with its interval
    licence: str
    files: dict[str, str]  # name -> sha256


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle on disk."""

    folder: Path
    spec: BundleSpec

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.folder / MODEL_FILE

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of what answers depend on: the network, its input, the crop, the calibration."""
        parts = self.spec.model_dump_json(include={"input", "crop", "calibration"})
        return hashlib.sha256((self.spec.files[MODEL_FILE] + parts).encode()).hexdigest()


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and check that every file is what ``bundle.json`` says.

    Raises:
        BundleError: no bundle there, an unknown version, or a file missing, added or changed.
    """
    path = folder / BUNDLE_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise BundleError(f"{folder} is not a model bundle: it has no {BUNDLE_FILE}") from None
    try:
        spec = BundleSpec.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BundleError(f"{path} is not valid: {where}: {fault['msg']}") from error
    if spec.schema_version != SCHEMA_VERSION:
        raise BundleError(
            f"{path} has schema version {spec.schema_version}; this AgeLens reads version {SCHEMA_VERSION}"
        )
    if len(spec.ages) != NUM_AGES or spec.genders != tuple(str(gender) for gender in GENDERS):
        raise BundleError(
            f"{path}: this AgeLens reads ages 0..{NUM_AGES - 1} and genders {', '.join(GENDERS)}"
        )
    if len(spec.calibration.age_offsets) != NUM_AGES:
        raise BundleError(f"{path}: calibration.age_offsets holds {NUM_AGES} numbers, one an age")
    if MODEL_FILE not in spec.files:
        raise BundleError(f"{path} lists no {MODEL_FILE}")
    for name, digest in spec.files.items():
        _check_file(folder, name, digest)
    present = {path.name for path in folder.iterdir() if not is_incidental(path.name)}
    if unknown := sorted(present - spec.files.keys() - {BUNDLE_FILE}):
        raise BundleError(f"{folder} holds what {BUNDLE_FILE} does not name: {', '.join(unknown)}")
    return Bundle(folder, spec)


def is_incidental(name: str) -> bool:
    """Whether a file is the system's or a hub's own (``.gitattributes``, ``.DS_Store``), not the bundle's."""
    return name.startswith(".")


def check_file_names(names: Iterable[str], where: object) -> None:
    """Refuse a list of files, as of a hub or an archive, before one of them is fetched.

    Raises:
        BundleError: a path that is no plain file name, or no bundle among them.
    """
    listed = set(names)
    for name in sorted(listed):
        # Both separators: a name that is plain here may be a path on the reader's system.
        if name in ("", ".", "..") or PurePosixPath(name).name != name or "\\" in name:
            raise BundleError(f"{where} is refused: {name!r} is not a plain file name")
    if missing := {BUNDLE_FILE, MODEL_FILE} - listed:
        raise BundleError(f"{where} is no bundle: it has no {', '.join(sorted(missing))}")


def copy_bundle(bundle: Bundle, folder: Path) -> None:
    """Copy a bundle's own files, and nothing else that lies beside them, into an existing folder."""
    for name in (BUNDLE_FILE, *bundle.spec.files):
        shutil.copyfile(bundle.folder / name, folder / name)


def write_spec(folder: Path, spec: BundleSpec) -> Bundle:
    """Write ``bundle.json`` with the hashes of the files that lie beside it, and read it back."""
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.name != BUNDLE_FILE and not is_incidental(path.name)
    )
    hashed = spec.model_copy(update={"files": {name: sha256(folder / name) for name in names}})
    write_text(folder / BUNDLE_FILE, hashed.model_dump_json(indent=2) + "\n")
    return read_bundle(folder)


def _check_file(folder: Path, name: str, digest: str) -> None:
    if Path(name).name != name or name in ("", ".", ".."):
        raise BundleError(f"{folder}: {name!r} is not a plain file name")
    path = folder / name
    if not path.is_file():
        raise BundleError(f"{folder} is incomplete: {name} is missing")
    if sha256(path) != digest:
        raise BundleError(f"{path} is damaged or changed: its SHA-256 is not the one in {BUNDLE_FILE}")
