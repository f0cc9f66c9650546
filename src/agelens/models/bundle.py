"""The bundle: one folder that is a model, whatever trained it; the contract between training and use.

``model.onnx`` takes ``images`` (B, 3, S, S) float32 and answers ``age_logits`` (B, 101) and
``gender_logits`` (B, 2); ``bundle.json`` says all that is needed to feed it and to judge it; ``metrics.json``
holds its evaluations whole, where there are any; ``README.md`` is the model card; ``weights.safetensors``,
where it is there, holds the network's weights to train on from. No pickle, no torch.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agelens.errors import BundleError
from agelens.files import sha256, write_text
from agelens.labels import GENDERS, NUM_AGES
from agelens.models.card import model_card
from agelens.models.measurement import Measurement
from agelens.models.spec import HEADS, READ_VERSIONS, SCHEMA_VERSION, BundleSpec

BUNDLE_FILE = "bundle.json"
MODEL_FILE = "model.onnx"
METRICS_FILE = "metrics.json"
CARD_FILE = "README.md"
WEIGHTS_FILE = "weights.safetensors"

_MEASUREMENTS = TypeAdapter(dict[str, Measurement])


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
        later = {
            "quality",
            "parts",
            "unseen",
        }  # a bundle that has nothing of them keeps the fingerprint it had
        parts = self.spec.model_dump_json(
            include={"input", "crop", "calibration"}, exclude={"calibration": later}
        )
        if self.spec.heads != HEADS or self.spec.calibration.quality is not None:
            parts += self.spec.model_dump_json(include={"heads": True, "calibration": {"quality"}})
        return hashlib.sha256((self.spec.files[MODEL_FILE] + parts).encode()).hexdigest()

    def measurements(self) -> dict[str, Measurement]:
        """Every recorded evaluation whole, by split; read from ``metrics.json``.

        Raises:
            BundleError: the file is not what this AgeLens writes.
        """
        path = self.folder / (BUNDLE_FILE if self.spec.schema_version == 1 else METRICS_FILE)
        if path.name not in (BUNDLE_FILE, *self.spec.files):
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
        if path.name == BUNDLE_FILE:  # version 1 held them itself
            content = {split: content["metrics"][split] for split in self.spec.metrics}
        try:
            return _MEASUREMENTS.validate_python(content)
        except ValidationError as error:
            raise BundleError(f"{path} is not valid: {_first_fault(error)}") from error


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and check that every file is what ``bundle.json`` says.

    Raises:
        BundleError: no bundle there, an unknown version, or a file missing, added or changed.
    """
    path = folder / BUNDLE_FILE
    try:
        spec = BundleSpec.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise BundleError(f"{folder} is not a model bundle: it has no {BUNDLE_FILE}") from None
    except ValidationError as error:
        raise BundleError(f"{path} is not valid: {_first_fault(error)}") from error
    if spec.schema_version not in READ_VERSIONS:
        version, newest = spec.schema_version, SCHEMA_VERSION
        raise BundleError(f"{path} has schema version {version}; this AgeLens reads versions up to {newest}")
    if len(spec.ages) != NUM_AGES or spec.genders != tuple(str(gender) for gender in GENDERS):
        raise BundleError(
            f"{path}: this AgeLens reads ages 0..{NUM_AGES - 1} and genders {', '.join(GENDERS)}"
        )
    if len(spec.calibration.age_offsets) != NUM_AGES:
        raise BundleError(f"{path}: calibration.age_offsets holds {NUM_AGES} numbers, one an age")
    if MODEL_FILE not in spec.files:
        raise BundleError(f"{path} lists no {MODEL_FILE}")
    for name, digest in spec.files.items():
        if not _is_plain(name):
            raise BundleError(f"{folder}: {name!r} is not a plain file name")
        if not (folder / name).is_file():
            raise BundleError(f"{folder} is incomplete: {name} is missing")
        if sha256(folder / name) != digest:
            raise BundleError(
                f"{folder / name} is damaged or changed: its SHA-256 is not the one in {BUNDLE_FILE}"
            )
    present = {path.name for path in folder.iterdir() if not is_incidental(path.name)}
    if unknown := sorted(present - spec.files.keys() - {BUNDLE_FILE}):
        raise BundleError(f"{folder} holds what {BUNDLE_FILE} does not name: {', '.join(unknown)}")
    return Bundle(folder, spec)


def is_incidental(name: str) -> bool:
    """Whether a file is the system's or a hub's own (``.gitattributes``, ``.DS_Store``), not the bundle's."""
    return name.startswith(".")


def check_file_names(names: Iterable[str], where: object) -> None:
    """Refuse a list of files, as a hub's, before one of them is fetched.

    Raises:
        BundleError: a path that is no plain file name, or no bundle among them.
    """
    listed = set(names)
    for name in sorted(listed):
        if not _is_plain(name):
            raise BundleError(f"{where} is refused: {name!r} is not a plain file name")
    if missing := {BUNDLE_FILE, MODEL_FILE} - listed:
        raise BundleError(f"{where} is no bundle: it has no {', '.join(sorted(missing))}")


def copy_bundle(bundle: Bundle, folder: Path) -> None:
    """Copy a bundle's own files, and nothing else that lies beside them, into an existing folder."""
    for name in (BUNDLE_FILE, *bundle.spec.files):
        shutil.copyfile(bundle.folder / name, folder / name)


def write_bundle(folder: Path, spec: BundleSpec, measurements: Mapping[str, Measurement]) -> Bundle:
    """Write all of a bundle but its network, which lies in the folder, and read it back.

    The metrics of ``spec`` follow from the measurements, its hashes from the files.
    """
    headlines = {split: measured.headline for split, measured in measurements.items()}
    spec = spec.model_copy(update={"schema_version": SCHEMA_VERSION, "metrics": headlines})
    write_text(folder / CARD_FILE, model_card(spec, measurements))
    if measurements:
        write_text(folder / METRICS_FILE, _readable(_MEASUREMENTS.dump_json(dict(measurements), indent=2)))
    else:
        (folder / METRICS_FILE).unlink(missing_ok=True)
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and not is_incidental(path.name))
    files = {name: sha256(folder / name) for name in names if name != BUNDLE_FILE}
    spec = spec.model_copy(update={"files": files})
    write_text(folder / BUNDLE_FILE, _readable(spec.model_dump_json(indent=2).encode()))
    return read_bundle(folder)


def record_measurement(bundle: Bundle, measured: Measurement) -> Bundle:
    """Write an evaluation into a bundle, in the place of an earlier one on the same split."""
    return write_bundle(bundle.folder, bundle.spec, {**bundle.measurements(), measured.split: measured})


def _is_plain(name: str) -> bool:
    # Both separators: a name that is plain here may be a path on the reader's system.
    return name not in ("", ".", "..") and not {"/", "\\"} & set(name)


def _readable(indented: bytes) -> str:
    """JSON with each list of plain values on one line: a table of numbers reads as one."""
    # No string of JSON holds a line break, so that none is touched.
    lists = re.compile(r"\[\n\s+([^\[\]{}]*?)\n\s*\]")
    return lists.sub(lambda found: "[" + re.sub(r",\n *", ", ", found[1]) + "]", indented.decode()) + "\n"


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
