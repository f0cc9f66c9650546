"""The run folder, which a training leaves for export, resuming and fine-tuning; read and written only here.

``recipe.yaml`` is the experiment; ``run.json`` records its code, data and hardware; ``checkpoints/`` holds
``best.ckpt`` (by the validation score) and ``last.ckpt`` (to resume from); ``dropped.csv`` names images that
could not be read; ``curves.csv`` and ``curves.png`` hold the figures of every epoch; ``result.json`` holds
those of the best epoch once training has ended. A run in several stages holds each earlier stage as a run
of its own in ``stage-1/``, ``stage-2/`` and so on. A folder may be moved to another machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agelens.data.problems import Problem
from agelens.errors import AgeLensError
from agelens.files import resolved, sha256, write_csv, write_text
from agelens.models.bundle import BUNDLE_FILE
from agelens.models.catalogue import NAMES, bundle_of_weights, weights_of
from agelens.training.provenance import RunRecord, StartRecord
from agelens.training.recipe import Recipe, faults_of, load_recipe, save_recipe

#: The folders of the earlier stages of a run begin so, and end with the stage's number.
STAGE = "stage-"


@dataclass
class RunFolder:
    """One training's folder; nothing is read or written before it is asked for."""

    path: Path

    def __post_init__(self) -> None:
        self.checkpoints = self.path / "checkpoints"
        self.best = self.checkpoints / "best.ckpt"
        self.last = self.checkpoints / "last.ckpt"
        self.recipe_file = self.path / "recipe.yaml"
        self.record_file = self.path / "run.json"
        self.result_file = self.path / "result.json"

    @classmethod
    def of_checkpoint(cls, checkpoint: Path) -> RunFolder:
        """The run of a checkpoint, which lies in the run's ``checkpoints`` or beside its ``run.json``."""
        folder = checkpoint.parent
        return cls(folder.parent if folder.name == "checkpoints" else folder)

    @property
    def name(self) -> str:
        """The run's name: its folder's, and an earlier stage's after the run it belongs to."""
        folder = resolved(self.path)
        return f"{folder.parent.name}-{folder.name}" if folder.name.startswith(STAGE) else folder.name

    @property
    def recipe(self) -> Recipe:
        """The recipe as it was used, all keys stated."""
        return load_recipe(str(self.recipe_file))

    @property
    def record(self) -> RunRecord:
        """Where the run came from."""
        try:
            return RunRecord.model_validate_json(self.record_file.read_text(encoding="utf-8"))
        except OSError as error:
            raise AgeLensError(f"{self.path} has no run.json; is it a run of 'agelens train'?") from error
        except ValidationError as error:
            raise AgeLensError(f"{self.record_file} is not valid: {faults_of(error)[0]}") from error

    @property
    def result(self) -> dict[str, float] | None:
        """The figures of the best epoch, ``val/…`` and perhaps ``test/…``; None before training has ended."""
        return json.loads(self.result_file.read_text("utf-8")) if self.result_file.is_file() else None

    @property
    def initial_weights(self) -> str:
        """What the first run of this line of runs started from; ``unknown`` where no file tells."""
        if before := self.record.started_from:
            return before.initial_weights
        if weights := self.record.weights:
            return str(weights)
        return self.recipe.initial_weights if self.recipe_file.is_file() else "unknown"

    def stages(self, recipe: Recipe) -> list[tuple[RunFolder, Recipe]]:
        """The folder and the recipe of each stage, in order; the last stage's folder is this one."""
        *earlier, final = recipe.stages()
        stages = [(RunFolder(self.path / f"{STAGE}{n}"), one) for n, one in enumerate(earlier, start=1)]
        return [*stages, (self, final)]

    def check(self, recipe: Recipe, *, resume: bool) -> None:
        """Check that a run may begin here, or go on with the recipe it began with; files may have moved."""
        begun = [folder.path for folder, _ in self.stages(recipe) if folder.last.exists()]
        if begun and not resume:
            raise AgeLensError(f"{begun[0]} holds a run already; use --resume, or name another folder")
        if not resume:
            return
        if not begun:
            raise AgeLensError(f"{self.path} has no checkpoints/last.ckpt to resume from")
        paths: dict[str, Any] = {"also": True, "teacher": True, "start_from": True, "network": {"weights"}}
        then, now = (one.model_dump(mode="json", exclude=paths) for one in (self.recipe, recipe))
        if changed := [key for key in now if now[key] != then[key]]:
            raise AgeLensError(
                f"{self.path} began with another recipe ({', '.join(changed)} differ); "
                "resume it without --recipe and --set"
            )

    def check_data(self, recipe: Recipe, record: RunRecord) -> None:
        """Check that a resumed run has the files it began with, wherever they lie now."""
        then, now = self.record.data, record.data
        for option, same in (
            ("--manifest", then.sha256 == now.sha256),
            ("--also", sorted(then.also.values()) == sorted(now.also.values())),
            ("--teacher", then.teacher == now.teacher),
        ):
            if not same:
                raise AgeLensError(f"{self.path} began with another {option}; resume it with the same")
        start, began = recipe.start_from, self.record.started_from
        if start is None or start == self.recipe.start_from:
            return
        if began is None or began.sha256 != sha256(start_of(start)):
            raise AgeLensError(f"{self.path} did not start from {start}; resume it without --start-from")

    def write(self, recipe: Recipe, record: RunRecord) -> None:
        """Write what is known when a run begins."""
        save_recipe(self.recipe_file, recipe)
        write_text(self.record_file, record.model_dump_json(indent=2) + "\n")

    def write_dropped(self, problems: Sequence[Problem]) -> Path:
        """Name the images that are left out of the run, and return the file that does."""
        path = self.path / "dropped.csv"
        write_csv(path, ("row", "problem"), [(problem.where, problem.message) for problem in problems])
        return path

    def write_result(self, figures: Mapping[str, float]) -> None:
        """Write the figures of the best epoch, which ends a run."""
        write_text(self.result_file, json.dumps(figures, indent=2) + "\n")


def checkpoint_of(run: Path) -> Path:
    """The best checkpoint of a run's folder, or the only one in it; a checkpoint's file stands for itself.

    Raises:
        AgeLensError: there is none, or it is not clear which.
    """
    if not run.is_dir():
        found = [run] if run.is_file() else []
    elif (best := RunFolder(run).best).is_file():
        found = [best]
    else:
        found = sorted(run.glob("*.ckpt"))  # a run that was passed on without the folder of its checkpoints
    if len(found) != 1:
        many = f" (it holds {', '.join(path.name for path in found)}: name one)" if found else ""
        raise AgeLensError(f"{run} is no checkpoint, nor a run's folder with checkpoints/best.ckpt{many}")
    return found[0]


def start_of(name: str) -> Path:
    """The weights that a training starts from: of a run, its checkpoint, or a model that has them.

    Raises:
        AgeLensError: there is no such run or model, or it is without its weights.
    """
    folder = Path(name)
    if (folder / BUNDLE_FILE).is_file() or "://" in name or (name in NAMES and not folder.exists()):
        return weights_of(name)
    return checkpoint_of(folder)


def start_record(checkpoint: Path) -> StartRecord:
    """What a run inherits from the checkpoint it starts from, as far as the files beside that tell."""
    start = StartRecord(path=str(checkpoint), sha256=sha256(checkpoint))
    if (model := bundle_of_weights(checkpoint)) is not None:
        known = model.spec.training.model_dump(include={"git_commit", "initial_weights", "sources"})
        return start.model_copy(update=known)
    run = RunFolder.of_checkpoint(checkpoint)
    if not run.record_file.is_file():
        return start
    known = {"git_commit": run.record.git_commit, "sources": tuple(run.record.sources)}
    return start.model_copy(update={**known, "initial_weights": run.initial_weights})
