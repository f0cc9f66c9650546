"""An import's account: the samples that a reader has read, and by name whatever it could not.

A reader is called with the data set's folder, tar or table, where its manifest will lie, and whether it is
``strict``, that is, stops at the first fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agelens.data.manifest import parse_row
from agelens.data.problems import Problem
from agelens.errors import LabelError, ManifestError
from agelens.labels import Gender, Sample, parse_age, parse_gender

_AGE_COLUMNS = ("age", "age_low", "age_high")


@dataclass(slots=True)
class ImportReport:
    """The running account of an import.

    Attributes:
        samples: what was read, in the source's order.
        problems: the rows or files that were left out, and why.
        clipped: how many ages above 100 years were read as 100.
        passed_over: how many rows lie outside the subset that is read.
        unused: the source's columns from which nothing was taken, in their order.
        strict: whether the first fault ends the import.
    """

    samples: list[Sample] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    clipped: int = 0
    passed_over: int = 0
    unused: list[str] = field(default_factory=list)
    strict: bool = False

    def refuse(self, where: str, message: str) -> None:
        """Leave a row out, by name; ManifestError where the import is strict."""
        problem = Problem(where, message)
        if self.strict:
            raise ManifestError(f"{problem} (--strict stops at the first fault)")
        self.problems.append(problem)

    @contextmanager
    def row(self, where: str) -> Iterator[None]:
        """Refuse a row where the block that reads it raises LabelError."""
        try:
            yield
        except LabelError as error:
            self.refuse(where, str(error))

    def add(self, texts: dict[str, str], gender_code: dict[str, Gender] | None = None) -> None:
        """Read a row of the manifest's columns, with ages up to 122 years and genders as the source has them.

        Raises:
            LabelError: a cell is at fault, or cells contradict each other.
        """
        ages = {name: parse_age(texts[name]) for name in _AGE_COLUMNS if texts.get(name)}
        gender = parse_gender(texts.get("gender", ""), gender_code) or ""
        years = {name: str(age) for name, (age, _) in ages.items()}
        self.samples.append(parse_row(texts | years | {"gender": gender}))
        self.clipped += any(clipped for _, clipped in ages.values())

    def leave_unused(self, columns: Iterable[str], used: Iterable[str]) -> None:
        """Note which of a table's columns are not among the ``used`` ones."""
        self.unused += [column for column in columns if column not in {*used, *self.unused}]

    def labels(self) -> dict[str, int]:
        """Label -> how many samples carry it; labels that none carries are left out."""
        names = ("gender", "subject", "group", "split", "duplicate_group")
        counts = {"age": sum(sample.point_age is not None for sample in self.samples)}
        counts |= {name: sum(bool(getattr(sample, name)) for sample in self.samples) for name in names}
        return {name: count for name, count in counts.items() if count}
