"""A tally: what of a stream of answers a person should know at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agelens.inference.answers import Answer
from agelens.inference.options import AnswerOptions
from agelens.inference.writers import Sink

if TYPE_CHECKING:
    import pyarrow as pa

NAMED = 20  # failures that a tally names one by one


@dataclass(slots=True)
class Tally:
    """A writer that counts what was answered and what could not be."""

    options: AnswerOptions
    output: str | None = None  # the table that a job writes, if it is one
    images: int = 0
    faces: int = 0  # the refused ones included
    failed: int = 0  # images that could not be read
    refused: int = 0  # faces below the lowest quality
    several: int = 0  # files of several frames or pages
    resumed: int = 0  # images that an earlier start of the job had read
    failures: list[str] = field(default_factory=list)  # the first errors, each a sentence

    def __enter__(self) -> Sink[Answer]:
        return self.add

    def __exit__(self, *error: object) -> None:
        pass

    def add(self, answer: Answer, image: object = None) -> None:
        """Count an answer."""
        refused = sum(face.refused is not None for face in answer.faces)
        several = int(answer.frames > 1)
        self._count(1, len(answer.faces), refused, several, [answer.error] if answer.error else [])

    def add_table(self, table: pa.Table) -> None:
        """Count a table's rows: an image has one at least, its first face's or its only."""
        import pyarrow.compute as pc

        faces = len(table) - table["face"].null_count
        first = pc.less_equal(pc.fill_null(table["face"], 1), 1)  # an image's first row
        images = pc.sum(first).as_py() or 0
        several = pc.sum(pc.and_(first, pc.greater(table["frames"], 1))).as_py() or 0
        refused = len(table) - table["refused"].null_count
        self._count(images, faces, refused, several, table["error"].drop_null().to_pylist())

    def _count(self, images: int, faces: int, refused: int, several: int, errors: list[str]) -> None:
        self.images += images
        self.faces += faces
        self.refused += refused
        self.several += several
        self.failed += len(errors)
        self.failures += errors[: NAMED - len(self.failures)]

    def sentences(self) -> list[str]:
        """What a person should know, in order: a job's sum, the faces refused, the images not read."""
        said = list(self.failures)
        if self.refused:
            lowest = self.options.min_quality
            said.insert(0, f"{self.refused} faces are below quality {lowest:g} and were refused")
        if self.output is not None:
            more = f", {self.resumed} of them before this start" if self.resumed else ""
            said.insert(0, f"{self.output}: {self.faces} faces of {self.images} images{more}")
        if self.several:
            holds = "1 file holds" if self.several == 1 else f"{self.several} files hold"
            first = "its first" if self.several == 1 else "the first of each"
            said.append(f"{holds} several frames or pages; {first} was read")
        if self.failed > len(self.failures):
            said.append(f"… and {self.failed - len(self.failures)} more")
        if self.failed:
            where = "" if self.output is None else "; see the column 'error'"
            said.append(f"{self.failed} of {self.images} images could not be read{where}")
        return said
