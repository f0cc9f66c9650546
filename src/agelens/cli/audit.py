"""``agelens data audit``: copies, leaks between splits, contradicting labels, pictures that teach nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import agelens
from agelens.cli.console import ManifestArgument, progress, table, tell
from agelens.errors import ManifestError, require

if TYPE_CHECKING:
    from agelens.data.audit import Audit
    from agelens.data.manifest import Manifest
    from agelens.data.problems import Finding
    from agelens.inference.predictor import Predictor


def audit_data(
    manifest: ManifestArgument,
    against: Annotated[
        Path | None, typer.Option(help="Second manifest: find only images that both hold; no other option.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON of every finding.")] = None,
    detector: Annotated[
        Literal["yunet", "haar"] | None, typer.Option(help="Name the images in which it finds no face, too.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model that suspects labels; it must not have learnt these faces.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Out-of-fold answers (.npz, as of a teacher) that suspect labels.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of the balance, .png or .svg.")] = None,
    fix: Annotated[
        Path | None, typer.Option(help="Cleaned manifest, and beside it a table of what was done.")
    ] = None,
) -> None:
    """Find copies, leaks between splits, conflicting labels, unreadable, tiny and blurred images.

    The exit code is 1 if anything was found.
    """
    from agelens.data.audit import audit_manifest, without_face
    from agelens.data.balance import check_plot, draw_balance
    from agelens.data.manifest import read_manifest
    from agelens.data.soft_labels import read_soft_labels
    from agelens.data.suspects import suspected_by_answers
    from agelens.faces.detection import make_detector
    from agelens.files import check_output, write_text

    others = {"output": output, "detector": detector, "model": model, "answers": answers}
    others |= {"plot": plot, "fix": fix}
    if against is not None and (unheard := [f"--{name}" for name, value in others.items() if value]):
        raise ManifestError(f"--against only compares two manifests; leave out {', '.join(unheard)}")
    if model is not None and answers is not None:
        raise ManifestError("labels are suspected by --model or by --answers: give one of them")
    inputs = [path for path in (manifest, answers) if path is not None]
    if fix is not None:
        check_beside(manifest, fix, inputs)
    if output is not None:
        check_output(output, ".json", inputs=inputs)
    if plot is not None:
        require("matplotlib", "report")
        check_plot(plot)
    labelled = read_manifest(manifest)
    if against is not None:
        raise typer.Exit(_print_shared(labelled, read_manifest(against), manifest, against))
    finder = make_detector(detector) if detector is not None else None
    predictor = agelens.load(model, finder or "whole") if model is not None else None
    known = read_soft_labels(answers) if answers is not None else None

    images = len(labelled.samples)
    with progress("looking", images) as advance:
        found = audit_manifest(labelled, advance)
    more: list[Finding] = []
    if finder is not None:
        with progress("finding faces", images) as advance:
            more += without_face(labelled, finder, advance)
    if predictor is not None:
        more += _suspected_by_model(labelled, predictor)
    if known is not None:
        suspected, answered = suspected_by_answers(labelled, known)
        tell(f"agelens: {answers} answers {answered} of {images} rows")
        more += suspected
    found = replace(found, findings=(*found.findings, *more))
    if plot is not None:
        draw_balance(plot, labelled.samples)
    if output is not None:
        write_text(output, json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n")
    _print_audit(found)
    if fix is not None:
        _write_cleaned(labelled, found, fix)
    raise typer.Exit(1 if found.findings else 0)


def check_beside(manifest: Path, output: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write a manifest over an input, or into another folder than the one it is made from."""
    from agelens.data.manifest import check_manifest_output
    from agelens.files import resolved

    check_manifest_output(output, inputs)
    if resolved(output).parent != resolved(manifest).parent:
        message = "a manifest's image paths start from its folder; write the new one beside the old"
        raise ManifestError(message)


def _print_shared(ours: Manifest, theirs: Manifest, manifest: Path, against: Path) -> int:
    """Name the images that both manifests hold; the exit code."""
    from agelens.data.audit import copies_between

    with progress("looking", len(ours.samples) + len(theirs.samples)) as advance:
        shared = copies_between(ours, theirs, advance)
    for finding in shared:
        typer.echo(f"row {', '.join(map(str, finding.rows))}: {finding.detail}")
    typer.echo(f"{len(shared)} faces of {manifest} are in {against} too")
    return 1 if shared else 0


def _suspected_by_model(labelled: Manifest, predictor: Predictor) -> list[Finding]:
    from agelens.data.suspects import suspected_labels
    from agelens.inference.batch import read_each

    paths = [labelled.path(sample) for sample in labelled.samples]
    with progress("reading faces", len(paths)) as advance:
        batch = read_each(predictor, paths, progress=advance)
    # Of what it has not learnt, a model suspects nothing.
    known = [replace(sample, **_unlearnt(predictor)) for sample in labelled.samples]
    return suspected_labels(known, batch.rows, batch.reading.age, batch.reading.gender)


def _unlearnt(predictor: Predictor) -> dict[str, Any]:
    """The labels that a model has not learnt to answer, emptied."""
    labels = {"age": ("age", "age_low", "age_high"), "gender": ("gender",)}
    heads = predictor.bundle.spec.heads
    return {name: None for head, names in labels.items() if head not in heads for name in names}


def _write_cleaned(labelled: Manifest, found: Audit, path: Path) -> None:
    """Write the cleaned manifest, and beside it what was done to each row."""
    from agelens.data.cleaning import clean
    from agelens.data.manifest import write_manifest
    from agelens.files import write_csv

    kept, done = clean(labelled, found)
    write_manifest(path, kept)
    changes = path.with_suffix(".changes.csv")
    rows = ((row, labelled.samples[row - 1].image, why) for row, why in done)
    write_csv(changes, ("row", "image", "change"), rows)
    typer.echo(f"{path}: {len(kept)} of {len(labelled.samples)} rows; {changes} says what was done")


def _print_audit(found: Audit) -> None:
    from rich.console import Console

    console = Console()
    findings = table("found", "times", "for example", right=["times"])
    for kind, count in found.count().items():
        first = next(finding for finding in found.findings if finding.kind == kind)
        rows = ", ".join(map(str, first.rows[:4])) + (" …" if len(first.rows) > 4 else "")
        findings.add_row(kind, str(count), f"rows {rows}: {first.detail}"[:100])
    console.print(f"[bold]{found.images}[/bold] images, {len(found.clusters)} clusters of copies")
    console.print(findings)
    most = max((sum(row.values()) for row in found.balance.values()), default=1)
    balance = table("age", "faces", "female", "", right=["age", "faces", "female"])
    for decade, genders in found.balance.items():
        total = sum(genders.values())
        female = f"{genders.get('female', 0) / total:.0%}"
        balance.add_row(decade, str(total), female, "█" * round(40 * total / most))
    console.print()
    console.print(balance)
