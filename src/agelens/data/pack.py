"""Packs: every image decoded and resized once, in memory-mapped shards that training reads as arrays.

A pack is a folder: ``pack.json`` (what it is), ``manifest.csv`` (its rows, in order) and
``images-000.npy``, ``images-001.npy``, … each (rows, size, size, 3) uint8 RGB. NumPy's own format needs
no library to read, maps into memory as it lies on disk, and is shared between worker processes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from agelens.data.manifest import Manifest, read_manifest, write_manifest
from agelens.data.problems import Problem
from agelens.errors import AgeLensError, ImageError, ManifestError
from agelens.faces.crop import CropConvention, crop_face
from agelens.faces.detection.base import Detector
from agelens.faces.images import Pixels, open_image, resize_to_square
from agelens.files import folder_written_whole, resolved, write_text
from agelens.labels import Sample
from agelens.parallel import Progress, attempt_each, silent
from agelens.version import __version__

PACK_FILE = "pack.json"
MANIFEST_FILE = "manifest.csv"

#: Bytes. A shard is written from memory at once; this bounds what packing holds.
SHARD_BYTES = 256 * 2**20

#: Turns an opened picture into the square face that is packed: (h, w, 3) -> (size, size, 3) uint8.
Crop = Callable[[Pixels, int], Pixels]


def write_pack(
    manifest: Manifest,
    folder: Path,
    size: int,
    *,
    crop: Crop = resize_to_square,
    progress: Progress = silent,
    workers: int = 2,
) -> list[Problem]:
    """Pack a manifest's images; the rows that cannot be read are left out and returned.

    Args:
        manifest: the rows to pack.
        folder: receives the pack, whole or not at all; an earlier pack there is replaced.
        size: side of the packed squares, pixels.
        crop: how a picture becomes a square face.
        progress: called with the number of rows done so far.
        workers: decoding threads.

    Raises:
        ManifestError: nothing could be packed, or ``folder`` holds something that is no pack.
    """
    if folder.exists() and not is_pack(folder) and any(folder.iterdir()):
        raise ManifestError(f"{folder} is not empty and holds no pack; name another folder")
    samples = manifest.samples
    kept: list[Sample] = []
    problems: list[Problem] = []

    def look(path: Path) -> Pixels:
        return crop(open_image(path).pixels, size)

    def readable() -> Iterator[Pixels]:
        paths = [manifest.path(sample) for sample in samples]
        crops = attempt_each(look, paths, workers, progress=progress)
        for number, (sample, path, face) in enumerate(zip(samples, paths, crops, strict=True), start=1):
            if isinstance(face, AgeLensError):
                problems.append(Problem(f"row {number}", str(face)))
            else:
                kept.append(replace(sample, image=str(resolved(path))))
                yield face

    faces = readable()
    shards: list[int] = []
    with folder_written_whole(folder) as partial:
        while shard := list(islice(faces, max(1, SHARD_BYTES // (size * size * 3)))):
            np.save(partial / f"images-{len(shards):03d}.npy", np.stack(shard))
            shards.append(len(shard))
        if not kept:
            raise ManifestError("no image could be packed: " + "; ".join(map(str, problems[:3])))
        write_manifest(partial / MANIFEST_FILE, kept)
        about = {"schema_version": 1, "size": size, "shards": shards, "agelens": __version__}
        write_text(partial / PACK_FILE, json.dumps(about, indent=2) + "\n")
    return problems


def crop_found(detector: Detector, convention: CropConvention | None = None) -> Crop:
    """The crop of the largest face that a detector finds, as ``predict`` feeds it to a network.

    The crop raises ImageError where no face is found.

    ``convention`` says where the face lies in the square; it is that of the shipped model unless given.
    """
    convention = convention or CropConvention()

    def crop(pixels: Pixels, size: int) -> Pixels:
        if not (found := detector.detect(pixels)):
            raise ImageError("no face was found in it")
        return crop_face(pixels, found[0], detector.name, convention, size)

    return crop


class Pack:
    """A pack opened for reading; ``pack[i]`` is a (size, size, 3) uint8 view of row i."""

    def __init__(self, folder: Path) -> None:
        """Open the pack in ``folder``.

        Raises:
            ManifestError: the folder is no pack, or its parts disagree.
        """
        try:
            about = json.loads((folder / PACK_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ManifestError(f"{folder} is not a pack ('agelens data pack' makes one): {error}") from error
        if about["schema_version"] != 1:
            raise ManifestError(f"{folder}: unknown pack version {about['schema_version']}; pack again")
        self.size: int = about["size"]
        self.samples = read_manifest(folder / MANIFEST_FILE).samples
        self._shards = [
            np.load(folder / f"images-{number:03d}.npy", mmap_mode="r")
            for number, _ in enumerate(about["shards"])
        ]
        self._starts = np.cumsum([0, *(len(shard) for shard in self._shards)])
        if self._starts[-1] != len(self.samples):
            raise ManifestError(
                f"{folder}: {self._starts[-1]} images but {len(self.samples)} rows; pack again"
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Pixels:
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        pixels: Pixels = self._shards[shard][index - self._starts[shard]]
        return pixels


def is_pack(path: Path) -> bool:
    """Whether ``path`` is a pack's folder."""
    return (path / PACK_FILE).is_file()
