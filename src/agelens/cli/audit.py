"""``agelens data audit``: copies, leaks between splits, contradicting labels, pictures that teach nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agelens.cli.console import ManifestArgument, progress
from agelens.errors import ManifestError

if TYPE_CHECKING:
    from agelens.data.audit import Audit


def audit_data(
    manifest: ManifestArgument,
    against: Annotated[
        Path | None, typer.Option(help="Only look for images that this manifest holds too.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Every finding, as JSON.")] = None,
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
    with progress("looking", len(table.samples)) as advance:
        report = audit(table, advance)
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
