"""What a reader brings back: the samples it read, and by name whatever it could not."""

from __future__ import annotations

from dataclasses import dataclass, field

from agelens.data.problems import Problem
from agelens.errors import ManifestError
from agelens.labels import Sample


@dataclass(slots=True)
class ReadReport:
    """The running account of an import."""

    samples: list[Sample] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    clipped: int = 0  # ages above 100, read as 100
    passed_over: int = 0  # rows outside the subset that is read
    strict: bool = False

    def refuse(self, where: str, message: str) -> None:
        """Leave a row out, by name.

        Raises:
            ManifestError: the import is strict.
        """
        problem = Problem(where, message)
        if self.strict:
            raise ManifestError(f"{problem} (--strict stops at the first fault)")
        self.problems.append(problem)
