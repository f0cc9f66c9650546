"""The ``agelens`` command: gathers the commands and turns errors into sentences and exit codes.

0: all done. 1: some inputs failed, each named, or a hub did. 2: wrong use.
"""

from __future__ import annotations

import gc
import io
import sys
from typing import Annotated

import typer

from agelens.cli import (
    calibrate,
    data,
    demo,
    evaluate,
    export,
    hubs,
    models,
    predict,
    recipes,
    serve,
    submit,
    train,
)
from agelens.cli.verbosity import Quiet, Verbose, add_verbosity, choose, log_to_stderr
from agelens.errors import AgeLensError
from agelens.version import __version__

app = typer.Typer(
    name="agelens",
    help="Age and gender from a face, with how sure it is; and the training behind it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # brackets in help texts are brackets
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict")(predict.predict)
app.add_typer(data.app, name="data")
app.add_typer(recipes.app, name="recipes")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)
app.command("export")(export.export)
app.add_typer(models.app, name="models")
app.command("submit")(submit.submit)
app.command("demo")(demo.demo)
app.command("serve", context_settings={"auto_envvar_prefix": "AGELENS_SERVE"})(serve.serve)
app.command("space")(demo.space)
app.command("push")(hubs.push)
app.command("pull")(hubs.pull)
add_verbosity(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agelens {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
    verbose: Verbose = 0,
    quiet: Quiet = False,
) -> None:
    choose(verbose, quiet)
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold what the terminal's encoding, or any, cannot write.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line."""
    gc.set_threshold(100_000)  # by default what a short command imports is walked again and again
    log_to_stderr()
    try:
        app()
    except AgeLensError as error:
        typer.echo(f"agelens: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of a pipe has left
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:  # the system's refusals, wherever they were not foreseen
        named = "" if error.filename is None else f"{error.filename}: "
        typer.echo(f"agelens: {named}{error.strerror or error}", err=True)
        sys.exit(1)
