"""``agelens data audit``: copies, leaks between splits, contradicting labels, pictures that teach nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agelens.cli.console import ManifestArgument, progress, tell
from agelens.errors import ManifestError, require

if TYPE_CHECKING:
    from agelens.data.audit import Audit
    from agelens.data.manifest import Manifest
    from agelens.data.problems import Finding


def audit_data(
    manifest: ManifestArgument,
    against: Annotated[
        Path | None, typer.Option(help="Only look for images that this manifest holds too.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Every finding, as JSON.")] = None,
    detector: Annotated[
        Literal["yunet", "haar"] | None,
        typer.Option(help="Also name images in which this detector finds no face."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Also suspect labels this model finds impossible; it must not have learnt them."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(help="Also suspect labels by out-of-fold answers (.npz, as 'train --teacher' reads)."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the balance of ages and genders here, .png or .svg.")
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option(help="Write a cleaned manifest here, and beside it what was done to each row."),
    ] = None,
) -> None:
    """Find copies, leaks between splits, conflicting labels, unreadable, tiny and blurred images.

    Exit code 1 if anything was found.
    """
    import csv
    import json

    from agelens.data.audit import audit, clean, copies_between
    from agelens.data.manifest import read_manifest, write_manifest
    from agelens.files import write_text, written_whole

    table = read_manifest(manifest)
    if fix is not None and fix.resolve().parent != manifest.resolve().parent:
        raise ManifestError(
            "a manifest's image paths start from its folder; write the new one beside the old"
        )
    if against is not None:
        other = read_manifest(against)
        with progress("looking", len(table.samples) + len(other.samples)) as advance:
            shared = copies_between(table, other, advance)
        for finding in shared:
            typer.echo(f"row {', '.join(map(str, finding.rows))}: {finding.detail}")
        typer.echo(f"{len(shared)} faces of {manifest} are in {against} too")
        raise typer.Exit(1 if shared else 0)
    if plot is not None:
        require("matplotlib", "report")
    with progress("looking", len(table.samples)) as advance:
        report = audit(table, advance)
    if detector is not None:
        from agelens.data.audit import without_face
        from agelens.faces.detection import make_detector

        with progress("finding faces", len(table.samples)) as advance:
            report = report.with_more(without_face(table, make_detector(detector), advance))
    if model is not None or answers is not None:
        report = report.with_more(_suspects(table, model, answers, detector or "whole"))
    if plot is not None:
        from agelens.data.balance import draw_balance

        draw_balance(plot, table.samples)
    if output is not None:
        write_text(output, json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n")
    _print_audit(report)
    if fix is not None:
        kept, done = clean(table, report)
        write_manifest(fix, kept)
        changes = fix.with_suffix(".changes.csv")
        with written_whole(changes) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["row", "image", "change"])
            writer.writerows([row, table.samples[row - 1].image, why] for row, why in done)
        typer.echo(f"{fix}: {len(kept)} of {len(table.samples)} rows; {changes} says what was done")
    raise typer.Exit(1 if report.findings else 0)


def _suspects(table: Manifest, model: str | None, answers: Path | None, detector: str) -> list[Finding]:
    """Labels that a model's answers, or answers made out of fold, contradict."""
    from agelens.data.suspects import suspected_labels

    if answers is not None:
        from agelens.data.soft_labels import read_soft_labels

        known = read_soft_labels(answers)
        rows = [row for row, s in enumerate(table.samples) if str(table.path(s).resolve()) in known.rows]
        part = known.of([table.path(table.samples[row]) for row in rows])
        tell(f"agelens: {answers} answers {len(rows)} of {len(table.samples)} rows")
        return suspected_labels(table.samples, rows, part.age, part.gender)
    from agelens.inference.batch import read_each
    from agelens.inference.predictor import Predictor
    from agelens.models.catalogue import resolve

    predictor = Predictor(resolve(model or "embedded"), detector)  # type: ignore[arg-type]
    with progress("reading faces", len(table.samples)) as advance:
        batch = read_each(predictor, [table.path(sample) for sample in table.samples], progress=advance)
    return suspected_labels(table.samples, batch.rows, batch.reading.age, batch.reading.gender)


def _print_audit(report: Audit) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    findings = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("found", "left"), ("times", "right"), ("for example", "left")):
        findings.add_column(name, justify=justify)  # type: ignore[arg-type]
    for kind, count in report.count().items():
        first = next(finding for finding in report.findings if finding.kind == kind)
        rows = ", ".join(map(str, first.rows[:4])) + (" …" if len(first.rows) > 4 else "")
        findings.add_row(kind, str(count), f"rows {rows}: {first.detail}"[:100])
    console.print(f"[bold]{report.images}[/bold] images, {len(report.clusters)} clusters of copies")
    console.print(findings)
    most = max((sum(row.values()) for row in report.balance.values()), default=1)
    balance = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("age", "right"), ("faces", "right"), ("female", "right"), ("", "left")):
        balance.add_column(name, justify=justify)  # type: ignore[arg-type]
    for decade, genders in report.balance.items():
        total = sum(genders.values())
        female = f"{genders.get('female', 0) / total:.0%}"
        balance.add_row(decade, str(total), female, "█" * round(40 * total / most))
    console.print()
    console.print(balance)
